r"""LaTeX of docstrings as plain text for a terminal: ``\frac{|x - t|}{2}`` becomes ``|x − t|/2``."""

from __future__ import annotations

import re

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Gamma": "Γ",
    "Phi": "Φ", "Omega": "Ω", "ell": "ℓ", "sum": "Σ", "prod": "Π", "infty": "∞", "le": "≤", "leq": "≤",
    "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "in": "∈", "cdot": "·", "times": "×",
    "pm": "±", "to": "→", "mid": "|", "ldots": "…", "dots": "…", "cdots": "⋯", "partial": "∂", "nabla": "∇",
    "langle": "⟨", "rangle": "⟩", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "cup": "∪", "cap": "∩",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "notin": "∉", "odot": "⊙", "setminus": "∖",
    "quad": "   ", "qquad": "    ",
}  # fmt: skip
IGNORED = {"left", "right", "bigl", "bigr", "Bigl", "Bigr", "big", "Big", "displaystyle", "limits", "nolimits"}
WORDS = {"operatorname", "text", "mathrm", "mathbf", "mathit", "mathcal", "boldsymbol"}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
UPPER = dict(zip("0123456789+-=()ijnxtTqk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱʲⁿˣᵗᵀ?ᵏ", strict=True))
LOWER = dict(zip("0123456789+-=()aeijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
del UPPER["q"]  # there is none
TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|[^\\{}^_&]")


def plain(latex: str) -> str:
    """The formula as text; branches of ``cases`` are lines of their own."""
    cases = re.search(r"\\begin\{cases\}(.*?)\\end\{cases\}", latex, re.DOTALL)
    if cases is None:
        return _tidy(_Reader(latex).read())
    before, after = plain(latex[: cases.start()]), plain(latex[cases.end() :])
    branches = [[plain(part) for part in row.split("&")] for row in cases.group(1).split(r"\\") if row.strip()]
    widest = max(len(branch[0]) for branch in branches)
    rows = [f"{branch[0]:<{widest}}    {'  '.join(branch[1:])}".rstrip() for branch in branches]
    braces = ["{"] if len(rows) == 1 else ["⎧", *["⎨"] * (len(rows) - 2), "⎩"]
    middle = (len(rows) - 1) // 2
    return "\n".join(
        f"{before if n == middle else ' ' * len(before)} {brace} {row}{' ' + after if after and n == middle else ''}"
        for n, (brace, row) in enumerate(zip(braces, rows, strict=True))
    )


class _Reader:
    """Reads tokens from left to right; each method takes what it names and gives its text."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = TOKEN.findall(" ".join(latex.split()))
        self.at = 0

    def read(self, until: str | None = None) -> str:
        parts: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == until:
                self.at += 1
                break
            parts.append(self.item())
        return "".join(parts)

    def item(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.read(until="}")
        if token in ("^", "_"):
            return _script(self.argument(), token)
        if token == "-":
            return "−"
        if not token.startswith("\\"):
            return token
        return self.command(token[1:])

    def command(self, name: str) -> str:
        if name in SYMBOLS:
            return SYMBOLS[name]
        if name in IGNORED:
            if self.at < len(self.tokens) and self.tokens[self.at] == ".":  # \left. draws nothing
                self.at += 1
            return ""
        if name in ("frac", "tfrac", "dfrac"):
            above, below = self.argument(), self.argument()
            return "½" if (above, below) == ("1", "2") else f"{_grouped(above)}/{_grouped(below, below=True)}"
        if name == "sqrt":
            return f"√{_grouped(self.argument())}"
        if name in WORDS:
            return self.argument()
        if name in ACCENTS:
            return self.argument() + ACCENTS[name]
        if name in ("lVert", "rVert", "|"):
            return "‖"
        if len(name) == 1 and not name.isalpha():
            return {",": " ", ";": " ", " ": " ", "!": "", ":": " ", "\\": "; "}.get(name, name)
        return name  # log, max, exp …: the word itself

    def argument(self) -> str:
        while self.at < len(self.tokens) and self.tokens[self.at] == " ":
            self.at += 1
        return _tidy(self.item()) if self.at < len(self.tokens) else ""


def _script(text: str, mark: str) -> str:
    letters = UPPER if mark == "^" else LOWER
    text = text.replace("−", "-")
    if all(letter in letters for letter in text):
        return "".join(letters[letter] for letter in text)
    if text.isascii() and text.isalnum() and len(text) <= (1 if mark == "^" else 3):
        return mark + text
    if len(text) == 1:
        return mark + text
    return f"{mark}({text})" if mark == "^" else f"[{text.replace(' ', ',')}]"


def _grouped(text: str, below: bool = False) -> str:
    """In parentheses, unless it is a single thing; below a fraction line ``2β`` is two."""
    single = r"\d+|[^\W\d_]\w?" if below else r"[\w.∞]+"
    simple = re.fullmatch(rf"{single}|\|[^|]*\||[a-z]*\([^()]*\)[²³]?|[a-z]+\(\|[^()]*\)", text)
    return text if simple else f"({text})"


def _tidy(text: str) -> str:
    text = re.sub(r" {5,}", "    ", re.sub(r"(?<! )  (?! )", " ", text))
    return re.sub(r"\(\s+", "(", re.sub(r"\s+([),])", r"\1", text)).strip()
