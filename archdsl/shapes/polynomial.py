"""Polynomials with whole coefficients over numbered atoms.

A monomial is the sorted tuple of its atoms' numbers, an atom of power n standing n
times. A polynomial is the sorted tuple of its monomials with their coefficients, none
of them 0; so equal polynomials are equal tuples, and a constant stands first.
"""

from __future__ import annotations

from typing import TypeAlias

Monomial: TypeAlias = tuple[int, ...]
Poly: TypeAlias = tuple[tuple[Monomial, int], ...]

ZERO: Poly = ()
ONE: Poly = (((), 1),)


def constant(value: int) -> Poly:
    """The polynomial that is `value` everywhere."""
    return (((), value),) if value else ZERO


def known(p: Poly) -> int | None:
    """The value of a constant polynomial, None of any other."""
    if not p:
        return 0
    if len(p) == 1 and not p[0][0]:
        return p[0][1]
    return None


def parted(p: Poly) -> tuple[Poly, int]:
    """The terms that are not constant, and the constant."""
    if p and not p[0][0]:
        return p[1:], p[0][1]
    return p, 0


def plus(p: Poly, value: int) -> Poly:
    """The polynomial and a number."""
    if not value:
        return p
    terms, c = parted(p)
    return (((), c + value), *terms) if c + value else terms


def add(p: Poly, q: Poly) -> Poly:
    """The sum."""
    if not p:
        return q
    if not q:
        return p
    if len(q) == 1 and not q[0][0]:
        return plus(p, q[0][1])
    terms = dict(p)
    for monomial, c in q:
        total = terms.get(monomial, 0) + c
        if total:
            terms[monomial] = total
        else:
            del terms[monomial]
    return tuple(sorted(terms.items()))


def scale(p: Poly, factor: int) -> Poly:
    """The polynomial times a number."""
    if factor == 1:
        return p
    if not factor:
        return ZERO
    return tuple([(monomial, c * factor) for monomial, c in p])


def minus(p: Poly, q: Poly) -> Poly:
    """The difference."""
    return add(p, scale(q, -1))


def multiply(p: Poly, q: Poly) -> Poly:
    """The product."""
    for one, other in ((p, q), (q, p)):
        value = known(one)
        if value is not None:
            return scale(other, value)
    terms: dict[Monomial, int] = {}
    for left, a in p:
        for right, b in q:
            monomial = tuple(sorted(left + right))
            terms[monomial] = terms.get(monomial, 0) + a * b
    return tuple(sorted((m, c) for m, c in terms.items() if c))


def without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The quotient of two monomials, None where there is none."""
    left = list(monomial)
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def quotient(p: Poly, divisor: Poly) -> Poly | None:
    """The polynomial q with p = q · divisor, None where there is none."""

    def leading(of: Poly) -> tuple[Monomial, int]:
        # Graded lexicographic, which products keep.
        return min(of, key=lambda term: (-len(term[0]), term[0]))

    if not divisor:
        return None
    head, by = leading(divisor)
    result = ZERO
    while p:
        monomial, c = leading(p)
        rest = without(monomial, head)
        if rest is None or c % by:
            return None
        term: Poly = ((rest, c // by),)
        result = add(result, term)
        p = minus(p, multiply(term, divisor))
    return result
