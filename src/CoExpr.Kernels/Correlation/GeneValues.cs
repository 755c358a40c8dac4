using System;

namespace CoExpr.Kernels;

/// <summary>Values of genes over cells, gene after gene, zeros left out, with the sums that correlations need.</summary>
public sealed class GeneValues
{
    /// <summary>Puts the parts together; they are kept, not copied.</summary>
    /// <param name="cells">Number of cells N.</param>
    /// <param name="starts">Where each gene's entries begin; one more than there are genes.</param>
    /// <param name="cellOf">Cell of every entry, increasing within a gene.</param>
    /// <param name="values">Finite value of every entry.</param>
    public GeneValues(int cells, long[] starts, int[] cellOf, float[] values)
    {
        if (cellOf.Length != values.Length)
            throw new ArgumentException($"{values.Length} values for {cellOf.Length} cells", nameof(values));
        (Cells, Starts, CellOf, Values) = (cells, starts, cellOf, values);
        Sums = new double[Genes];
        Norms = new double[Genes];
        Whole = Array.TrueForAll(values, value => value == MathF.Truncate(value));
        for (var gene = 0; gene < Genes; gene++)
            (Sums[gene], Norms[gene]) = Moments(gene);
    }

    /// <summary>Number of cells N.</summary>
    public int Cells { get; }

    /// <summary>Number of genes.</summary>
    public int Genes => Starts.Length - 1;

    /// <summary>Where each gene's entries begin; one more than there are genes.</summary>
    public long[] Starts { get; }

    /// <summary>Cell of every entry.</summary>
    public int[] CellOf { get; }

    /// <summary>Value of every entry.</summary>
    public float[] Values { get; }

    /// <summary>Sum of each gene's values, added in order of cell.</summary>
    public double[] Sums { get; }

    /// <summary>Root of the sum of squares of each gene's values.</summary>
    public double[] Norms { get; }

    /// <summary>Number of entries of a gene.</summary>
    public int Length(int gene) => (int)(Starts[gene + 1] - Starts[gene]);

    /// <summary>Whether every value is a whole number.</summary>
    public bool Whole { get; }

    (double Sum, double Norm) Moments(int gene)
    {
        var (sum, squares) = (0.0, 0.0);
        for (var at = (int)Starts[gene]; at < (int)Starts[gene + 1]; at++)
        {
            double value = Values[at];
            sum += value;
            squares += value * value;
        }
        return (sum, Math.Sqrt(squares));
    }
}
