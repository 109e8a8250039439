/* Masking (RFC 6455 5.3). */
#include "core.h"

#if defined(__GNUC__) || defined(__clang__)
#define HAVE_VECTORS 1
#if (defined(__x86_64__) || defined(__i386__)) && !defined(WITHOUT_AVX2)
#define HAVE_AVX2 1
#endif

typedef uint64_t Block __attribute__((vector_size(32)));

/* Mask a multiple of 32 bytes by a key that was repeated to 8 bytes; return the OR of what was written. The compiler
 * makes of a block what the processor has. */
__attribute__((always_inline)) static inline uint64_t mask_blocks_inline(unsigned char *to, const unsigned char *from,
                                                                         Py_ssize_t size, uint64_t key) {
    Block keys = {key, key, key, key}, all = {0}, block;
    for (Py_ssize_t at = 0; at < size; at += 32) {
        memcpy(&block, from + at, sizeof(block));
        block ^= keys;
        all |= block;
        memcpy(to + at, &block, sizeof(block));
    }
    return all[0] | all[1] | all[2] | all[3];
}

static uint64_t mask_blocks_by_any(unsigned char *to, const unsigned char *from, Py_ssize_t size, uint64_t key) {
    return mask_blocks_inline(to, from, size, key);
}

#ifdef HAVE_AVX2
__attribute__((target("avx2"))) static uint64_t mask_blocks_by_avx2(unsigned char *to, const unsigned char *from,
                                                                    Py_ssize_t size, uint64_t key) {
    return mask_blocks_inline(to, from, size, key);
}
#endif

static uint64_t (*mask_blocks)(unsigned char *, const unsigned char *, Py_ssize_t, uint64_t) = mask_blocks_by_any;
#endif

/* Choose the quickest way that this processor has. It is the same for every interpreter of the process. */
void mask_setup(void) {
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2"))
        mask_blocks = mask_blocks_by_avx2;
#endif
}

unsigned char mask_into(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char key[4]) {
    uint32_t half;
    memcpy(&half, key, sizeof(half));
    uint64_t keys = (uint64_t)half << 32 | half, all = 0, word;
#ifdef HAVE_VECTORS
    if (size >= 4096) { /* one block more, behind which the others do not cross cache lines */
        const uint64_t twice[] = {keys, keys};
        Py_ssize_t skipped = (Py_ssize_t)(-(uintptr_t)to % sizeof(Block));
        all = mask_blocks(to, from, sizeof(Block), keys);
        memcpy(&keys, (const char *)twice + skipped % 4, sizeof(keys));
        to += skipped, from += skipped, size -= skipped;
    }
    if (size >= 64) {
        Py_ssize_t blocks = size & ~(Py_ssize_t)31;
        all |= mask_blocks(to, from, blocks, keys);
        to += blocks, from += blocks, size -= blocks;
    }
#endif
    for (; size >= 8; to += 8, from += 8, size -= 8) {
        memcpy(&word, from, sizeof(word));
        word ^= keys;
        all |= word;
        memcpy(to, &word, sizeof(word));
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, from, (size_t)size);
        word ^= keys;
        unsigned char rest[sizeof(word)];
        memcpy(rest, &word, sizeof(rest));
        memcpy(to, rest, (size_t)size);
        for (Py_ssize_t at = 0; at < size; at++)
            all |= rest[at];
    }
    all |= all >> 32;
    all |= all >> 16;
    return (unsigned char)(all | all >> 8);
}

/* Twin of masking.masked. */
static PyObject *masked(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *data, *key, *header = NULL;
    Py_ssize_t start, stop;
    if (!PyArg_ParseTuple(args, "SnnS|S:masked", &data, &start, &stop, &key, &header))
        return NULL;
    if (start < 0 || start > stop || stop > PyBytes_GET_SIZE(data) || PyBytes_GET_SIZE(key) != 4)
        return PyErr_Format(PyExc_ValueError, "masked() takes a part of its data, and a key of 4 bytes");
    Py_ssize_t before = header == NULL ? 0 : PyBytes_GET_SIZE(header);
    PyObject *result = PyBytes_FromStringAndSize(NULL, before + stop - start);
    if (result == NULL)
        return NULL;
    unsigned char *to = (unsigned char *)PyBytes_AS_STRING(result);
    if (before)
        memcpy(to, PyBytes_AS_STRING(header), (size_t)before);
    mask_into(to + before, (const unsigned char *)PyBytes_AS_STRING(data) + start, stop - start,
              (const unsigned char *)PyBytes_AS_STRING(key));
    return result;
}

PyMethodDef mask_methods[] = {
    {"masked", masked, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
