"""Products by MKL, oneDNN or OpenBLAS, each the fastest way that it knows.

    mkl       the package mkl: sgemm of B as it lies or transposed, or packed beforehand; sgemv for one row
    onednn    in PyTorch: a linear layer with weights that oneDNN has reordered for itself
    openblas  in numpy's wheel: sgemm of B as it lies or transposed; sgemv for one row

With MKL and OpenBLAS, the function is called directly, which costs Python less than a microsecond.
"""

import glob
import os
import sys
import time
from ctypes import CDLL, c_float, c_int, c_int64, c_size_t, c_void_p

import peer

a = peer.arguments(library="mkl, onednn or openblas")

import numpy as np

ROW_MAJOR, NO_TRANS, TRANS, PACKED, B_MATRIX = (c_int(i) for i in (101, 111, 112, 151, 162))
one, zero = c_float(1), c_float(0)


def pointer(array):
    return c_void_p(array.ctypes.data)


def ways_of_blas(gemm, gemv, integer, m, k, n, x, b, bt, c):
    """Calls of a BLAS that give the product. The arguments of a call are made once."""
    size_m, size_k, size_n = integer(m), integer(k), integer(n)
    x, b, bt, c = map(pointer, (x, b, bt, c))
    plain = (ROW_MAJOR, NO_TRANS, NO_TRANS, size_m, size_n, size_k, one, x, size_k, b, size_n, zero, c, size_n)
    transposed = (ROW_MAJOR, NO_TRANS, TRANS, size_m, size_n, size_k, one, x, size_k, bt, size_k, zero, c, size_n)
    ways = [lambda: gemm(*plain), lambda: gemm(*transposed)]
    if m == 1:
        step = integer(1)
        by_rows = (ROW_MAJOR, NO_TRANS, size_n, size_k, one, bt, size_k, x, step, zero, c, step)
        by_columns = (ROW_MAJOR, TRANS, size_k, size_n, one, b, size_n, x, step, zero, c, step)
        ways += [lambda: gemv(*by_rows), lambda: gemv(*by_columns)]
    return ways


def mkl():
    found = glob.glob(os.path.join(sys.prefix, "lib", "libmkl_rt.so*"))
    if not found:
        sys.exit("the package mkl is not installed")
    lib = CDLL(found[0])
    lib.cblas_sgemm_pack_get_size.restype = c_size_t

    def ways(m, k, n, x, b, bt, c):
        size_m, size_k, size_n = c_int(m), c_int(k), c_int(n)
        packed = np.zeros(lib.cblas_sgemm_pack_get_size(B_MATRIX, size_m, size_n, size_k) // 4 + 1, np.float32)
        lib.cblas_sgemm_pack(ROW_MAJOR, B_MATRIX, NO_TRANS, size_m, size_n, size_k, one, pointer(b), size_n, pointer(packed))
        args = (ROW_MAJOR, NO_TRANS, PACKED, size_m, size_n, size_k, pointer(x), size_k, pointer(packed), size_n, zero,
                pointer(c), size_n)
        keep.append(packed)
        return [lambda: lib.cblas_sgemm_compute(*args),
                *ways_of_blas(lib.cblas_sgemm, lib.cblas_sgemv, c_int, m, k, n, x, b, bt, c)]

    return ways


def openblas():
    found = glob.glob(os.path.join(os.path.dirname(np.__file__) + ".libs", "libscipy_openblas64_*"))
    if not found:
        sys.exit("this numpy does not come with OpenBLAS")
    lib = CDLL(found[0])
    return lambda *product: ways_of_blas(lib.scipy_cblas_sgemm64_, lib.scipy_cblas_sgemv64_, c_int64, *product)


def onednn():
    import torch

    torch.set_num_threads(a.threads)
    torch.set_grad_enabled(False)
    if not torch.backends.mkldnn.is_available():
        sys.exit("this PyTorch has no oneDNN")

    def ways(m, k, n, x, b, bt, c):
        x, bt = torch.from_numpy(x), torch.from_numpy(bt)
        weight = torch.ops.mkldnn._reorder_linear_weight(bt, m)
        own, linear, pointwise = x.to_mkldnn(), torch._C._nn.mkldnn_linear, torch.ops.mkldnn._linear_pointwise.default
        return [lambda: linear(own, weight, None),
                lambda: pointwise(x, weight, None, "none", [], "")]

    return ways


ways = {"mkl": mkl, "onednn": onednn, "openblas": openblas}[a.library]()
keep = []  # what the calls point to


def prepare(kind, m, k, n):
    x, b, c = peer.numbers(0, m, k), peer.numbers(1, k, n), np.zeros((m, n), np.float32)
    keep[:] = x, b, np.ascontiguousarray(b.T), c

    def best(run):
        times = []
        for _ in range(5):
            start = time.perf_counter_ns()
            run()
            times.append(time.perf_counter_ns() - start)
        return min(times)

    return min(ways(m, k, n, *keep[:4]), key=best)


def last_row(result):
    if a.library != "onednn":
        return keep[3][-1]
    return (result.to_dense() if result.is_mkldnn else result)[-1]


peer.serve(prepare, last_row)
