"""``python -m numbaloss``: the command line."""

from numbaloss.cli import app

if __name__ == "__main__":
    app(prog_name="numbaloss")
