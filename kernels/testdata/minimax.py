#!/usr/bin/env python3
"""Derives the polynomials of functions.go by the Remez exchange algorithm, and prints them as Go and as assembly data.

    pip install mpmath
    python3 kernels/testdata/minimax.py
"""
from mpmath import mp, mpf
import struct

mp.dps = 60


def remez(f, degree, a, b, weight, rounds=15):
    """The polynomial p of that degree with the least max |weight·(f - p)| on [a, b], and that maximum."""
    n = degree + 1
    xs = [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * (n + 1))) for i in range(n + 1)]
    grid = [a + (b - a) * (1 - mp.cos(mp.pi * i / 800)) / 2 for i in range(801)]
    fs = [f(x) for x in grid]
    for _ in range(rounds):
        rows, rhs = mp.matrix(n + 1, n + 1), mp.matrix(n + 1, 1)
        for i, x in enumerate(xs):
            for j in range(n):
                rows[i, j] = x**j
            rows[i, n] = (-1) ** i / weight(x)
            rhs[i] = f(x)
        c = list(mp.lu_solve(rows, rhs))[:n]
        err = [weight(x) * (y - mp.polyval(c[::-1], x)) for x, y in zip(grid, fs)]
        peaks, i = [], 0
        while i < len(grid):  # the extremum of each run of one sign
            j = best = i
            while j < len(grid) and (err[j] > 0) == (err[i] > 0):
                best = j if abs(err[j]) > abs(err[best]) else best
                j += 1
            peaks.append(best)
            i = j
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(err[peaks[0]]) < abs(err[peaks[-1]]) else -1)
        if len(peaks) <= n:
            raise SystemExit("Remez: too few extrema; more grid points are needed")
        xs = [grid[i] for i in peaks]
    return c, max(map(abs, err))


def show(name, c, error):
    print(f"{name}: error {mp.nstr(error, 3)}, coefficients from the constant up")
    for i, x in enumerate(c):
        bits = struct.unpack("<I", struct.pack("<f", float(x)))[0]
        print(f"  {i:2d}  0x{bits:08x}  {struct.unpack('<f', struct.pack('<f', float(x)))[0].hex()}")


# exp: e^r = 1 + r + r²·p(r) on |r| ≤ ln2/2; relative error. A little wider: the reduction rounds.
half = mp.log(2) / 2 * mpf("1.0001")
tail = lambda r: (mp.exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-15") else mpf(1) / 2
show("exp", *remez(tail, 4, -half, half, lambda r: max(r * r, mpf("1e-5")) / mp.exp(r)))

# erf: erf(x/√2) = x·p(u), u = 2x²/L² - 1, on |x| ≤ L = 5.5; absolute error, and near 0 relative.
L = mpf("5.5")
at = lambda u: L * mp.sqrt(max((u + 1) / 2, mpf(0)))
ratio = lambda x: mp.erf(x / mp.sqrt(2)) / x if x else mp.sqrt(2 / mp.pi)
show("erf", *remez(lambda u: ratio(at(u)), 15, mpf(-1), mpf(1), lambda u: at(u) + mpf("0.02")))
