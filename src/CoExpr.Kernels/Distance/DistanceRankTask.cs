using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace CoExpr.Kernels;

/// <summary>Predicted rows, each to be placed among real rows by its distance from them. What does not depend on the
/// predicted rows is worked out once; nothing here grows with the number of pairs.</summary>
public sealed class DistanceRankTask
{
    // Within these, single precision neither overflows in a product nor loses digits of what matters.
    const double Largest = 1 << 20;
    const double Smallest = 1.0 / (1 << 20);

    readonly double[] predicted;
    readonly double[] real;
    readonly int[][] leftOutOf;
    readonly bool[] leftOut;

    /// <summary>Predicted and real rows over the same genes.</summary>
    /// <param name="predicted">Predicted rows x genes, row by row. A row with a value that is not finite is not placed.</param>
    /// <param name="real">Real rows x genes, finite.</param>
    /// <param name="genes">Values of a row.</param>
    /// <param name="own">Of each predicted row the real row that it predicts.</param>
    /// <param name="leftOut">Genes that no distance counts.</param>
    /// <param name="leftOutOf">Of each predicted row the further genes that its distances do not count, each once.</param>
    /// <param name="path">The instruction set; it does not change the counts.</param>
    /// <exception cref="ArgumentException">Lengths do not agree, or a number of a row or gene is out of range.</exception>
    public DistanceRankTask(
        double[] predicted,
        double[] real,
        int genes,
        int[] own,
        int[] leftOut,
        int[][] leftOutOf,
        SimdPath path
    )
    {
        (this.predicted, this.real, Genes, Own, Path) = (predicted, real, genes, own, path);
        Check(leftOut, leftOutOf);
        this.leftOut = new bool[genes];
        foreach (var gene in leftOut)
            this.leftOut[gene] = true;
        LeavesOut = leftOut.Length > 0;
        this.leftOutOf = Array.ConvertAll(leftOutOf, list => list.Where(gene => !this.leftOut[gene]).ToArray());
        Scale = ScaleOf(Math.Max(LargestOf(predicted), LargestOf(real)));
        Real = new RowSums(RealRows);
        for (var row = 0; row < RealRows; row++)
            Real.Add(row, RealRow(row), this.leftOut, Scale);
        RealClass = Classes();
    }

    /// <summary>Values of a row.</summary>
    public int Genes { get; }

    /// <summary>Number of predicted rows.</summary>
    public int PredictedRows => Own.Length;

    /// <summary>Number of real rows.</summary>
    public int RealRows => real.Length / Genes;

    internal int[] Own { get; }

    internal SimdPath Path { get; }

    /// <summary>A power of 2 that brings the values into the range of single precision.</summary>
    internal double Scale { get; }

    /// <summary>Sums of the real rows, rounded and scaled.</summary>
    internal RowSums Real { get; }

    /// <summary>Real rows of one number are equal in every bit.</summary>
    internal int[] RealClass { get; }

    internal ReadOnlySpan<double> PredictedRow(int row) => predicted.AsSpan(row * Genes, Genes);

    internal ReadOnlySpan<double> RealRow(int row) => real.AsSpan(row * Genes, Genes);

    /// <summary>Genes that this predicted row's distances do not count, beside those that none counts.</summary>
    internal int[] LeftOutOf(int row) => leftOutOf[row];

    internal bool[] LeftOut => leftOut;

    /// <summary>Whether there is a gene that no distance counts.</summary>
    internal bool LeavesOut { get; }

    /// <summary>A row without the genes that the distances of a predicted row do not count: there it is 0, in either
    /// row, and their term is 0.</summary>
    internal ReadOnlySpan<double> Masked(ReadOnlySpan<double> values, int predictedRow, double[] room)
    {
        values.CopyTo(room);
        for (var gene = 0; LeavesOut && gene < Genes; gene++)
            if (leftOut[gene])
                room[gene] = 0;
        foreach (var gene in leftOutOf[predictedRow])
            room[gene] = 0;
        return room;
    }

    /// <summary>Distances of one predicted row from all real rows, in double precision.</summary>
    /// <param name="kind">Which distance.</param>
    /// <param name="row">The predicted row.</param>
    /// <param name="distances">One per real row.</param>
    public void Distances(DistanceKind kind, int row, Span<double> distances)
    {
        var (own, other) = (new double[Genes], new double[Genes]);
        var x = Masked(PredictedRow(row), row, own);
        for (var at = 0; at < RealRows; at++)
            distances[at] = RowDistance.Of(kind, x, Masked(RealRow(at), row, other), Path);
    }

    void Check(int[] leftOut, int[][] leftOutOf)
    {
        if (Genes < 1 || real.Length % Genes != 0 || predicted.LongLength != (long)Own.Length * Genes)
            throw new ArgumentException(
                $"{predicted.Length} predicted and {real.Length} real values for {Own.Length} predicted rows of {Genes} genes"
            );
        if (leftOutOf.Length != Own.Length)
            throw new ArgumentException($"{leftOutOf.Length} lists of genes for {Own.Length} predicted rows");
        if (Own.Any(row => (uint)row >= (uint)RealRows))
            throw new ArgumentException($"a predicted row's own row is not from 0 to {RealRows - 1}");
        if (leftOutOf.Append(leftOut).Any(list => list.Any(gene => (uint)gene >= (uint)Genes)))
            throw new ArgumentException($"a gene to leave out is not from 0 to {Genes - 1}");
        if (leftOutOf.Any(list => list.Distinct().Count() != list.Length))
            throw new ArgumentException("a gene is left out of a row twice");
    }

    static double LargestOf(double[] values)
    {
        var largest = 0.0;
        foreach (var value in values)
            if (double.IsFinite(value) && Math.Abs(value) > largest)
                largest = Math.Abs(value);
        return largest;
    }

    internal static double ScaleOf(double largest) =>
        largest is 0 or (>= Smallest and <= Largest) ? 1 : Math.ScaleB(1, -Math.ILogB(largest));

    int[] Classes()
    {
        var classes = new int[RealRows];
        var byHash = new Dictionary<int, List<int>>();
        for (var row = 0; row < RealRows; row++)
        {
            var hash = HashOf(row);
            if (!byHash.TryGetValue(hash, out var rows))
                byHash[hash] = rows = [];
            var twin = rows.FindIndex(other => Bits(other).SequenceEqual(Bits(row)));
            classes[row] = twin < 0 ? row : rows[twin];
            if (twin < 0)
                rows.Add(row);
        }
        return classes;
    }

    ReadOnlySpan<long> Bits(int row) => MemoryMarshal.Cast<double, long>(RealRow(row));

    int HashOf(int row)
    {
        var hash = new HashCode();
        foreach (var bits in Bits(row))
            hash.Add(bits);
        return hash.ToHashCode();
    }
}
