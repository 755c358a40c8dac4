using System;

namespace CoExpr.Kernels;

/// <summary>For each level b and 64 lanes the sizes n_b as bytes above a common base, so that F[n_b − c] of all 64 lanes is
/// one look-up among the 128 entries from F[base] on.</summary>
/// <remarks>Genes stand in order of density, so those of 64 neighbouring lanes have levels of about the same size.
/// Where they have not, the sizes differing by more than 127, there is no window and F is gathered.</remarks>
sealed unsafe class LevelWindows : IDisposable
{
    const int Lanes = NarrowSums.Lanes;
    readonly AlignedBuffer<byte> sizes;
    readonly int[] bases;
    readonly int levels;

    internal LevelWindows(int[] levelSizes, int lanes, int levels)
    {
        this.levels = levels;
        sizes = new AlignedBuffer<byte>((long)lanes * levels);
        bases = new int[lanes / Lanes * levels];
        for (var group = 0; group < lanes / Lanes; group++)
        for (var b = 0; b < levels; b++)
            bases[group * levels + b] = Fill(
                levelSizes.AsSpan(b * lanes + group * Lanes, Lanes),
                sizes.Start + (group * levels + b) * Lanes
            );
    }

    /// <summary>Gives the base, or no window's.</summary>
    static int Fill(ReadOnlySpan<int> levelSizes, byte* relative)
    {
        var (least, most) = (int.MaxValue, 0);
        foreach (var size in levelSizes)
            (least, most) = (Math.Min(least, size), Math.Max(most, size));
        if (most - least >= EntropyPlanes.Reach)
            return NoWindow;
        var from = most - (EntropyPlanes.Reach - 1);
        for (var lane = 0; lane < Lanes; lane++)
            relative[lane] = (byte)(levelSizes[lane] - from);
        return from;
    }

    internal const int NoWindow = int.MinValue;

    /// <summary>Where the window of level b (from 0) of a group of lanes begins; may be below 0.</summary>
    internal int Base(int group, int b) => bases[group * levels + b];

    /// <summary>The 64 sizes above the base.</summary>
    internal byte* Sizes(int group, int b) => sizes.Start + (group * levels + b) * Lanes;

    public void Dispose() => sizes.Dispose();
}
