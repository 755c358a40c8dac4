using System;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>The instructions that resamples are scored with. Which one is used never changes a bit of the result.</summary>
public enum ResamplingPath
{
    /// <summary>One resample after the other.</summary>
    Scalar,

    /// <summary>32 weights a register, gathered logarithms.</summary>
    Avx2,

    /// <summary>64 weights a register, logarithms of small counts by byte permutes (AVX-512 F, BW, VBMI).</summary>
    Avx512,
}

/// <summary>Which paths this processor has, and which is taken.</summary>
public static class ResamplingPaths
{
    /// <summary>Forces a path, where the processor has it: scalar, avx2 or avx512.</summary>
    const string Variable = "COEXPR_SIMD";

    /// <summary>The path taken unless told otherwise: the widest, or the one that COEXPR_SIMD names.</summary>
    public static ResamplingPath Default { get; } = Choose(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Whether this processor has the path's instructions.</summary>
    public static bool Supports(ResamplingPath path) =>
        path switch
        {
            ResamplingPath.Avx512 => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512Vbmi.IsSupported,
            ResamplingPath.Avx2 => Avx2.IsSupported,
            _ => true,
        };

    /// <summary>The path of a name; the widest there is where the name is none or says more than the processor has.</summary>
    internal static ResamplingPath Choose(string? name)
    {
        var wanted = Enum.TryParse<ResamplingPath>(name, true, out var named) ? named : ResamplingPath.Avx512;
        while (!Supports(wanted))
            wanted--;
        return wanted;
    }
}
