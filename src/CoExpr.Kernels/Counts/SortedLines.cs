using System;

namespace CoExpr.Kernels;

/// <summary>Looking things up in the sorted lines of a compressed matrix.</summary>
public static class SortedLines
{
    /// <summary>For each line the place of its first index that is not below <paramref name="least"/>, or its end.</summary>
    /// <param name="starts">Where each line begins; one more than there are lines.</param>
    /// <param name="indices">Indices, increasing within a line.</param>
    /// <param name="least">The lowest index wanted.</param>
    /// <param name="scratch">Holds the answer; as long as there are lines.</param>
    public static ReadOnlySpan<int> StartsFrom(
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> indices,
        int least,
        int[] scratch
    )
    {
        for (var line = 0; line < scratch.Length; line++)
        {
            var at = indices[starts[line]..starts[line + 1]].BinarySearch(least);
            scratch[line] = starts[line] + (at < 0 ? ~at : at);
        }
        return scratch;
    }
}
