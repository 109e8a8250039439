/* Masking (RFC 6455 5.3). */
#include "core.h"

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__)) && !defined(WITHOUT_AVX2)
#define HAVE_AVX2 1
#include <immintrin.h>
#endif

/* Mask a multiple of 32 bytes by a key that was repeated to 8 bytes; return the OR of what was written. */
typedef uint64_t (*MaskBlocks)(unsigned char *to, const unsigned char *from, Py_ssize_t size, uint64_t key);

static uint64_t mask_blocks_of_words(unsigned char *to, const unsigned char *from, Py_ssize_t size, uint64_t key) {
    uint64_t all = 0;
    for (Py_ssize_t at = 0; at < size; at += 32) {
        uint64_t words[4];
        memcpy(words, from + at, 32);
        for (int word = 0; word < 4; word++) {
            words[word] ^= key;
            all |= words[word];
        }
        memcpy(to + at, words, 32);
    }
    return all;
}

#ifdef HAVE_AVX2
__attribute__((target("avx2"))) static uint64_t mask_blocks_by_avx2(unsigned char *to, const unsigned char *from,
                                                                    Py_ssize_t size, uint64_t key) {
    const __m256i keys = _mm256_set1_epi64x((long long)key);
    __m256i all = _mm256_setzero_si256(), more = all;
    Py_ssize_t at = 0;
    for (; at + 64 <= size; at += 64) {
        __m256i one = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(from + at)), keys);
        __m256i two = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(from + at + 32)), keys);
        _mm256_storeu_si256((__m256i *)(to + at), one);
        _mm256_storeu_si256((__m256i *)(to + at + 32), two);
        all = _mm256_or_si256(all, one);
        more = _mm256_or_si256(more, two);
    }
    if (at < size) {
        __m256i one = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(from + at)), keys);
        _mm256_storeu_si256((__m256i *)(to + at), one);
        all = _mm256_or_si256(all, one);
    }
    all = _mm256_or_si256(all, more);
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words, all);
    return words[0] | words[1] | words[2] | words[3];
}
#endif

static MaskBlocks mask_blocks = mask_blocks_of_words;

/* Choose the quickest way that this processor has. It is the same for every interpreter of the process. */
void mask_setup(void) {
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2"))
        mask_blocks = mask_blocks_by_avx2;
#endif
}

unsigned char mask_into(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char key[4]) {
    uint32_t half;
    memcpy(&half, key, 4);
    uint64_t keys = (uint64_t)half << 32 | half, all = 0, word;
    if (size >= 64) {
        Py_ssize_t blocks = size & ~(Py_ssize_t)31;
        all = mask_blocks(to, from, blocks, keys);
        to += blocks, from += blocks, size -= blocks;
    }
    for (; size >= 8; to += 8, from += 8, size -= 8) {
        memcpy(&word, from, 8);
        word ^= keys;
        all |= word;
        memcpy(to, &word, 8);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, from, (size_t)size);
        word ^= keys;
        unsigned char rest[8];
        memcpy(rest, &word, 8);
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
