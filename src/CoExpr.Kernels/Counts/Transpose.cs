using System;

namespace CoExpr.Kernels;

/// <summary>Steps of turning a compressed matrix on its side: counting its minor indices, then scattering.</summary>
public static class Transpose
{
    // The counting sort of Gustavson (1978): one pass counts how many entries each minor index has, a running sum
    // makes of the counts where each minor line begins, and a second pass drops every entry at its line's next free
    // place. Major lines are visited in order, so the entries of every minor line come out sorted.
    // Several threads each take a range of major lines and have places of their own: the counts of the threads
    // before are added in, so the outcome is the same for every number of threads.

    /// <summary>Adds 1 to <paramref name="counts"/> at every index.</summary>
    public static void Count(ReadOnlySpan<int> indices, Span<int> counts)
    {
        foreach (var index in indices)
            counts[index]++;
    }

    /// <summary>Drops the entries of the major lines from <paramref name="first"/> to before <paramref name="next"/> at
    /// the next free places of their minor lines, and moves those places on.</summary>
    /// <param name="starts">Where each major line begins in the entries; one more than there are lines.</param>
    /// <param name="indices">Minor index of every entry.</param>
    /// <param name="values">Value of every entry.</param>
    /// <param name="first">First major line to move.</param>
    /// <param name="next">The line after the last.</param>
    /// <param name="places">Next free place of each minor line; moved on.</param>
    /// <param name="movedIndices">Receives the major line of every entry.</param>
    /// <param name="movedValues">Receives the value of every entry.</param>
    public static void Scatter(
        ReadOnlySpan<long> starts,
        ReadOnlySpan<int> indices,
        ReadOnlySpan<float> values,
        int first,
        int next,
        Span<long> places,
        Span<int> movedIndices,
        Span<float> movedValues
    )
    {
        for (var line = first; line < next; line++)
        for (var at = (int)starts[line]; at < (int)starts[line + 1]; at++)
        {
            var place = (int)places[indices[at]]++;
            movedIndices[place] = line;
            movedValues[place] = values[at];
        }
    }

    /// <summary>Turns some columns of a dense table of a few rows into runs: the values of a column stand side by side at its
    /// place.</summary>
    /// <param name="values">Row after row.</param>
    /// <param name="width">Columns of a row.</param>
    /// <param name="columns">The columns to take.</param>
    /// <param name="rows">How many rows to take.</param>
    /// <param name="places">Of each column taken where its values go.</param>
    /// <param name="target">Receives them.</param>
    public static void Pick<T>(
        ReadOnlySpan<T> values,
        int width,
        ReadOnlySpan<int> columns,
        int rows,
        ReadOnlySpan<int> places,
        Span<T> target
    )
    {
        for (var taken = 0; taken < columns.Length; taken++)
        {
            var into = target.Slice(places[taken], rows);
            var at = columns[taken];
            for (var row = 0; row < into.Length; row++, at += width)
                into[row] = values[at];
        }
    }
}
