"""The text of a size that is not known, for people."""

from __future__ import annotations

from math import gcd, lcm

from archdsl.shapes.algebra import Algebra
from archdsl.shapes.polynomial import Monomial, Poly, known, minus, parted, plus, scale
from archdsl.tuples import NamedTuple

_CODE = {"·": "*", "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")"}
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

# What is multiplied: the number of an atom, or the text of a remainder.
_Factors = tuple[int | str, ...]


class _Term(NamedTuple):
    """`above`/`below`, in lowest terms, times the factors."""

    above: int
    below: int
    factors: _Factors
    order: tuple[object, ...]


class Writer:
    """Writes normal forms; `spaced` has thousands separators, and blanks around + -."""

    def __init__(self, algebra: Algebra, spaced: bool = False) -> None:
        self.algebra = algebra
        self.spaced = spaced

    def text(self, p: Poly) -> str:
        """The polynomial as it stands alone."""
        return self._sum(self._joined(self._terms(p)), self.spaced)

    def _over(self, p: Poly, divisor: Poly) -> str:
        """A polynomial over another."""
        terms = self._terms(p)
        shared = lcm(*(term.below for term in terms))
        below = scale(divisor, shared)
        text = self._sum(_scaled(terms, shared), False)
        if len(terms) > 1:
            text = f"({text})"
        under = self._sum(self._terms(below), False)
        if known(below) is None and not _plain(under):
            under = f"({under})"
        return f"{text}/{under}"

    def _joined(self, terms: list[_Term]) -> list[_Term]:
        """The terms with one (H+1)/2 in place of H/2 and 1/2."""
        if all(term.factors or term.below == 1 for term in terms):
            return terms
        broken = [term for term in terms if term.below > 1]
        shared = lcm(*(term.below for term in broken))
        above = self._sum(_scaled(broken, shared), False)
        text = f"({above})/{shared:{',' if self.spaced else ''}}"
        joined = _Term(1, 1, (text,), broken[0].order)
        return [joined, *(term for term in terms if term not in broken)]

    def _sum(self, terms: list[_Term], spaced: bool) -> str:
        text = ""
        for term in terms:
            sign = "-" if term.above < 0 else "+"
            body = self._product(term._replace(above=abs(term.above)))
            if not text:
                text = body if sign == "+" else "-" + body
            else:
                text += f" {sign} {body}" if spaced else sign + body
        return text or "0"

    def _product(self, term: _Term) -> str:
        above, below, factors, _ = term
        comma = "," if self.spaced else ""
        several = len(factors) > 1 or above != 1 or below != 1
        texts: list[str] = []
        for factor in dict.fromkeys(factors):
            text = factor if isinstance(factor, str) else self._atom(factor)
            if several and "%" in text and not _plain(text):
                text = f"({text})"
            count = factors.count(factor)
            texts.append(text + (str(count).translate(_DIGITS) if count > 1 else ""))
        if above != 1 or not texts:
            texts.insert(0, format(above, comma))
        text = "·".join(texts)
        if below > 1:
            text += "/" + format(below, comma)
        return text

    def _atom(self, number: int) -> str:
        atom = self.algebra.atoms[number]
        if atom.kind == "symbol":
            return atom.name
        if atom.kind == "floor":
            return f"⌊{self._over(*atom.over)}⌋"
        if atom.kind == "ceil":
            return f"⌈{self._over(*atom.over)}⌉"
        plain = Writer(self.algebra)
        return f"{atom.kind}({','.join(plain.text(p) for p in atom.over)})"

    # The terms of a polynomial

    def _terms(self, p: Poly) -> list[_Term]:
        terms, p = self._remainders(p)
        order = self.algebra.order
        totals: dict[Monomial, tuple[int, int]] = {}
        for monomial, c in p:
            for whole, above, below in self._whole(monomial, c):
                n, d = totals.get(whole, (0, 1))
                totals[whole] = _reduced(n * below + above * d, d * below)
        terms += (_Term(n, d, m, order(m)) for m, (n, d) in totals.items() if n)
        return sorted(terms, key=lambda term: (not term.factors, term.order))

    def _whole(self, monomial: Monomial, c: int) -> list[tuple[Monomial, int, int]]:
        """A term with symbols in place of their parts: monomials, above and below."""
        products: list[tuple[Monomial, int, int]] = [((), c, 1)]
        for number in monomial:
            atom = self.algebra.atoms[number]
            if atom.kind != "part":
                products = [((*m, number), k, d) for m, k, d in products]
                continue
            grown: list[tuple[Monomial, int, int]] = []
            for m, k, d in products:
                grown.append(((*m, atom.source), k, d * atom.step))
                if atom.offset:
                    grown.append((m, -k * atom.offset, d * atom.step))
            products = grown
        return [(tuple(sorted(m, key=self._place)), k, d) for m, k, d in products]

    def _place(self, number: int) -> tuple[int, int]:
        sources = self.algebra.sources((((number,), 1),))
        return (sources[0] if sources else -1, number)

    def _remainders(self, p: Poly) -> tuple[list[_Term], Poly]:
        """The terms H % n of a sum that holds H - n·⌊H/n⌋, and the rest of it."""
        found: list[_Term] = []
        for monomial, c in p:
            if len(monomial) != 1:
                continue
            atom = self.algebra.atoms[monomial[0]]
            by = known(atom.over[1]) if atom.kind in ("floor", "ceil") else None
            if by is None or c % by:
                continue
            times = -c // by
            inner = atom.over[0]
            wanted = dict(scale(parted(inner)[0], times))
            present = dict(p)
            if any(present.get(m) != k for m, k in wanted.items()):
                continue
            p = minus(minus(p, scale(inner, times)), ((monomial, c),))
            if atom.kind == "ceil":
                # x - n·⌈x/n⌉ = (x-1) % n - (n-1)
                p = plus(p, times * (1 - by))
                inner = plus(inner, -1)
            text = Writer(self.algebra).text(inner)
            text = (text if _plain(text) else f"({text})") + f"%{by}"
            order = self.algebra.order(monomial)
            found.append(_Term(times, 1, (text,), order))
        return found, p


def _reduced(above: int, below: int) -> tuple[int, int]:
    common = gcd(above, below)
    return above // common, below // common


def _scaled(terms: list[_Term], factor: int) -> list[_Term]:
    """The terms times a common multiple of their divisors."""
    return [
        term._replace(above=term.above * factor // term.below, below=1)
        for term in terms
    ]


def as_code(text: str) -> str:
    """The text of a size as the language writes it: `4*H**2+ceil(W/2)`."""
    code = ""
    power = False
    for character in text:
        digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".find(character)
        if digit >= 0:
            code += f"{'' if power else '**'}{digit}"
        else:
            code += _CODE.get(character, character)
        power = digit >= 0
    return code


def _plain(text: str) -> bool:
    """Whether the text is one name, number or bracket."""
    if text[0] in "⌊⌈" and text[-1] in "⌋⌉":
        return not any(mark in text[1:-1] for mark in "⌊⌈")
    return text.isidentifier() or text.isdigit()


def atomic(text: str) -> bool:
    """Whether a size's text is one term, with no + or - outside of brackets."""
    depth = 0
    for sign in text:
        depth += (sign in "⌊⌈(") - (sign in "⌋⌉)")
        if sign in "+-" and not depth:
            return False
    return True
