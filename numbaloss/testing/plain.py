def announce(functions): pass
