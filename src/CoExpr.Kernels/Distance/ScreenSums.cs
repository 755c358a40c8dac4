using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Σ max(p, r) and Σ p·r of every pair of a predicted and a real row, in single precision, over some columns.
/// With the sums of the rows these are all that L1, L2 and cosine distances need:
/// Σ |p − r| = 2 Σ max(p, r) − Σ p − Σ r, and Σ (p − r)² = Σ p² + Σ r² − 2 Σ p·r.</summary>
/// <remarks>Rows are a multiple of 16 values apart and as long, filled up with zeros. Each sum adds at most
/// <see cref="Depth"/> rounded terms one after the other, in single precision, and is then added to a double.</remarks>
static unsafe class ScreenSums
{
    /// <summary>Predicted rows are taken by so many, real ones by <see cref="RealStep"/>.</summary>
    internal const int PredictedStep = 2;

    internal const int RealStep = 4;

    /// <summary>A bound on the additions that any one term goes through in single precision.</summary>
    internal static int Depth(SimdPath path, int width) =>
        path switch
        {
            SimdPath.Avx512 => width / 16 + 16,
            SimdPath.Avx2 => width / 8 + 8,
            _ => 1,
        };

    /// <summary>Adds to maxima and products, each predicted rows x stride, what the columns of a block give.</summary>
    internal static void Add(SimdPath path, ScreenBlock block)
    {
        for (var real = 0; real < block.RealRows; real += RealStep)
        for (var row = 0; row < block.PredictedRows; row += PredictedStep)
        {
            var p = block.Predicted + (long)row * block.Width;
            var r = block.Real + (long)real * block.Width;
            var at = (long)row * block.Stride + real;
            if (path == SimdPath.Avx512)
                Wide(p, r, block.Width, block.Maxima + at, block.Products + at, block.Stride);
            else if (path == SimdPath.Avx2)
                Halves(p, r, block.Width, block.Maxima + at, block.Products + at, block.Stride);
            else
                Scalar(p, r, block.Width, block.Maxima + at, block.Products + at, block.Stride);
        }
    }

    // Two by four pairs: sixteen sums and six rows stay in the registers, and a value that is loaded serves four or eight
    // operations.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide(float* p, float* r, int width, double* maxima, double* products, int stride)
    {
        float* p1 = p + width,
            r1 = r + width,
            r2 = r1 + width,
            r3 = r2 + width;
        Vector512<float> m00 = default,
            m01 = default,
            m02 = default,
            m03 = default,
            m10 = default,
            m11 = default,
            m12 = default,
            m13 = default;
        Vector512<float> d00 = default,
            d01 = default,
            d02 = default,
            d03 = default,
            d10 = default,
            d11 = default,
            d12 = default,
            d13 = default;
        for (var at = 0; at < width; at += 16)
        {
            var x0 = Vector512.LoadAligned(p + at);
            var x1 = Vector512.LoadAligned(p1 + at);
            var y = Vector512.LoadAligned(r + at);
            m00 += Vector512.MaxNative(x0, y);
            m10 += Vector512.MaxNative(x1, y);
            d00 = Vector512.MultiplyAddEstimate(x0, y, d00);
            d10 = Vector512.MultiplyAddEstimate(x1, y, d10);
            y = Vector512.LoadAligned(r1 + at);
            m01 += Vector512.MaxNative(x0, y);
            m11 += Vector512.MaxNative(x1, y);
            d01 = Vector512.MultiplyAddEstimate(x0, y, d01);
            d11 = Vector512.MultiplyAddEstimate(x1, y, d11);
            y = Vector512.LoadAligned(r2 + at);
            m02 += Vector512.MaxNative(x0, y);
            m12 += Vector512.MaxNative(x1, y);
            d02 = Vector512.MultiplyAddEstimate(x0, y, d02);
            d12 = Vector512.MultiplyAddEstimate(x1, y, d12);
            y = Vector512.LoadAligned(r3 + at);
            m03 += Vector512.MaxNative(x0, y);
            m13 += Vector512.MaxNative(x1, y);
            d03 = Vector512.MultiplyAddEstimate(x0, y, d03);
            d13 = Vector512.MultiplyAddEstimate(x1, y, d13);
        }
        Put(maxima, m00, m01, m02, m03);
        Put(maxima + stride, m10, m11, m12, m13);
        Put(products, d00, d01, d02, d03);
        Put(products + stride, d10, d11, d12, d13);
    }

    static void Put(double* sums, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        sums[0] += Vector512.Sum(a);
        sums[1] += Vector512.Sum(b);
        sums[2] += Vector512.Sum(c);
        sums[3] += Vector512.Sum(d);
    }

    // Sixteen registers: two by two pairs, twice.
    static void Halves(float* p, float* r, int width, double* maxima, double* products, int stride)
    {
        Quarter(p, r, width, maxima, products, stride);
        Quarter(p, r + 2L * width, width, maxima + 2, products + 2, stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Quarter(float* p, float* r, int width, double* maxima, double* products, int stride)
    {
        float* p1 = p + width,
            r1 = r + width;
        Vector256<float> m00 = default,
            m01 = default,
            m10 = default,
            m11 = default,
            d00 = default,
            d01 = default,
            d10 = default,
            d11 = default;
        for (var at = 0; at < width; at += 8)
        {
            var (x0, x1) = (Vector256.LoadAligned(p + at), Vector256.LoadAligned(p1 + at));
            var y = Vector256.LoadAligned(r + at);
            m00 += Vector256.MaxNative(x0, y);
            m10 += Vector256.MaxNative(x1, y);
            d00 = Vector256.MultiplyAddEstimate(x0, y, d00);
            d10 = Vector256.MultiplyAddEstimate(x1, y, d10);
            y = Vector256.LoadAligned(r1 + at);
            m01 += Vector256.MaxNative(x0, y);
            m11 += Vector256.MaxNative(x1, y);
            d01 = Vector256.MultiplyAddEstimate(x0, y, d01);
            d11 = Vector256.MultiplyAddEstimate(x1, y, d11);
        }
        maxima[0] += Vector256.Sum(m00);
        maxima[1] += Vector256.Sum(m01);
        maxima[stride] += Vector256.Sum(m10);
        maxima[stride + 1] += Vector256.Sum(m11);
        products[0] += Vector256.Sum(d00);
        products[1] += Vector256.Sum(d01);
        products[stride] += Vector256.Sum(d10);
        products[stride + 1] += Vector256.Sum(d11);
    }

    static void Scalar(float* p, float* r, int width, double* maxima, double* products, int stride)
    {
        for (var i = 0; i < PredictedStep; i++)
        for (var j = 0; j < RealStep; j++)
        {
            float* x = p + (long)i * width,
                y = r + (long)j * width;
            var (most, dot) = (0.0, 0.0);
            for (var at = 0; at < width; at++)
            {
                most += x[at] > y[at] ? x[at] : y[at];
                dot += (double)x[at] * y[at];
            }
            maxima[i * stride + j] += most;
            products[i * stride + j] += dot;
        }
    }
}

/// <summary>Some columns of some predicted and some real rows, and where their sums go.</summary>
readonly unsafe ref struct ScreenBlock
{
    /// <summary>Predicted rows x width, aligned to 64 bytes.</summary>
    internal required float* Predicted { get; init; }

    /// <summary>Real rows x width, aligned to 64 bytes.</summary>
    internal required float* Real { get; init; }

    /// <summary>A multiple of <see cref="ScreenSums.PredictedStep"/>.</summary>
    internal required int PredictedRows { get; init; }

    /// <summary>A multiple of <see cref="ScreenSums.RealStep"/>.</summary>
    internal required int RealRows { get; init; }

    /// <summary>Values of a row, a multiple of 16.</summary>
    internal required int Width { get; init; }

    /// <summary>Predicted rows x stride sums of larger values.</summary>
    internal required double* Maxima { get; init; }

    /// <summary>Predicted rows x stride sums of products.</summary>
    internal required double* Products { get; init; }

    /// <summary>From the sums of one predicted row to those of the next.</summary>
    internal required int Stride { get; init; }
}
