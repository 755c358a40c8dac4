using System;
using System.Linq;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Instruction sets that kernels have a path for. Every path gives the same bits.</summary>
public enum SimdPath
{
    /// <summary>Plain C#, on any processor.</summary>
    Scalar,

    /// <summary>AVX2: x86 processors since about 2013.</summary>
    Avx2,

    /// <summary>AVX-512 with VBMI and GFNI: Intel since Ice Lake (2019), AMD since Zen 4 (2022).</summary>
    Avx512,
}

/// <summary>Which instruction set this process computes with.</summary>
public static class Simd
{
    /// <summary>The environment variable that forces a path: scalar, avx2 or avx512.</summary>
    public const string Variable = "COEXPR_SIMD";

    /// <summary>The widest path that this processor has.</summary>
    public static SimdPath Best { get; } = Enum.GetValues<SimdPath>().Last(IsSupported);

    /// <summary>Whether this processor has the instructions of a path.</summary>
    public static bool IsSupported(SimdPath path) =>
        path switch
        {
            SimdPath.Avx512 => Avx512BW.IsSupported && Avx512Vbmi.IsSupported && Gfni.V512.IsSupported,
            SimdPath.Avx2 => Avx2.IsSupported,
            _ => true,
        };

    /// <summary>The path of this process: the one that the environment asks for, else the widest.</summary>
    /// <exception cref="PlatformNotSupportedException">The environment asks for one that this processor lacks.</exception>
    public static SimdPath Current() => Choose(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The path of this name; the widest where no name is given.</summary>
    /// <exception cref="PlatformNotSupportedException">There is no path of that name, or this processor lacks it.</exception>
    public static SimdPath Choose(string? name) =>
        TryChoose(name, out var path)
            ? path
            : throw new PlatformNotSupportedException($"{Variable} is '{name}'; this processor has {Names}");

    /// <summary>Whether there is a path of this name that this processor has; the widest where no name is given.</summary>
    public static bool TryChoose(string? name, out SimdPath path)
    {
        path = Best;
        if (string.IsNullOrEmpty(name))
            return true;
        foreach (var known in Enum.GetValues<SimdPath>().Where(IsSupported))
            if (string.Equals(known.ToString(), name, StringComparison.OrdinalIgnoreCase))
            {
                path = known;
                return true;
            }
        return false;
    }

    /// <summary>The names of the paths that this processor has.</summary>
    public static string Names =>
        string.Join(", ", Enum.GetValues<SimdPath>().Where(IsSupported).Select(x => x.ToString().ToLowerInvariant()));
}
