using System;
using System.Linq;
using BenchmarkDotNet.Attributes;
using CoExpr.Kernels;

namespace CoExpr.Benchmarks;

/// <summary>Mutual information of all pairs of genes with 10 bins, one thread, a pair an operation, against the plain loop
/// over pairs and cells. Before anything is timed, the paths are compared bit for bit, and with the plain loop.</summary>
public abstract class AllPairs
{
    const int Genes = 2048;
    protected const int Pairs = Genes * (Genes - 1) / 2;
    const int FewGenes = 64;
    protected const int FewPairs = FewGenes * (FewGenes - 1) / 2;
    const int Bins = 10;

    /// <summary>Number of cells.</summary>
    protected abstract int Cells { get; }

    /// <summary>Percentage of values above 0.</summary>
    public abstract int Density { get; set; }

    protected BinnedGenes All { get; private set; } = null!;
    protected BinnedGenes Few { get; private set; } = null!;
    GeneValues values = null!;
    byte[][] levels = [];

    [GlobalSetup]
    public void Setup()
    {
        All = Draw();
        Few = new BinnedGenes(Cells, All.Starts[..(FewGenes + 1)], All.CellOf, All.LevelOf, All.Levels[..FewGenes]);
        values = new GeneValues(Cells, All.Starts, All.CellOf, Array.ConvertAll(All.LevelOf, level => (float)level));
        levels = [.. Enumerable.Range(0, FewGenes).Select(Dense)];
        Check();
    }

    BinnedGenes Draw()
    {
        var random = new System.Random(1);
        var (starts, entries) = (new long[Genes + 1], 0);
        var cellOf = new int[(long)Genes * Cells * Density / 80 + 1000];
        var levelOf = new byte[cellOf.Length];
        for (var gene = 0; gene < Genes; gene++)
        {
            for (var cell = 0; cell < Cells; cell++)
                if (random.Next(100) < Density)
                    (cellOf[entries], levelOf[entries++]) = (cell, (byte)random.Next(1, Bins + 1));
            starts[gene + 1] = entries;
        }
        var highest = Enumerable.Repeat((byte)Bins, Genes).ToArray();
        return new BinnedGenes(Cells, starts, cellOf[..entries], levelOf[..entries], highest);
    }

    byte[] Dense(int gene)
    {
        var dense = new byte[Cells];
        for (var at = All.Starts[gene]; at < All.Starts[gene + 1]; at++)
            dense[All.CellOf[at]] = All.LevelOf[at];
        return dense;
    }

    void Check()
    {
        var scalar = Score(SimdPath.Scalar, Few, null);
        foreach (var path in Enum.GetValues<SimdPath>().Where(Simd.IsSupported))
            if (Score(path, Few, null) != scalar)
                throw new InvalidOperationException($"{path} differs from the plain path");
        var (naive, exact) = (Naive(), scalar / (double)(1L << EntropyTable.Scale));
        if (Math.Abs(naive - exact) > 1e-6 * Math.Abs(naive))
            throw new InvalidOperationException($"the plain loop gives {naive}, the backend {exact}");
    }

    /// <summary>A table for each pair from all cells, and a logarithm for each of its counts.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = FewPairs)]
    public double Naive()
    {
        var sum = 0.0;
        var table = new int[(Bins + 1) * (Bins + 1)];
        for (var a = 0; a < FewGenes; a++)
        for (var b = a + 1; b < FewGenes; b++)
        {
            Array.Clear(table);
            for (var cell = 0; cell < Cells; cell++)
                table[levels[a][cell] * (Bins + 1) + levels[b][cell]]++;
            table[0] = 0;
            sum += Information(table);
        }
        return sum;
    }

    /// <summary>M times the mutual information.</summary>
    static double Information(int[] table)
    {
        var side = Bins + 1;
        var (rows, columns) = (new int[side], new int[side]);
        for (var i = 0; i < table.Length; i++)
            (rows[i / side], columns[i % side]) = (rows[i / side] + table[i], columns[i % side] + table[i]);
        double total = rows.Sum();
        var information = 0.0;
        for (var i = 0; i < table.Length; i++)
            if (table[i] > 0)
                information += table[i] * Math.Log2(table[i] * total / ((double)rows[i / side] * columns[i % side]));
        return information;
    }

    /// <summary>The cpu backend with AVX-512, without signs.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public long Avx512() => Score(SimdPath.Avx512, All, null);

    /// <summary>The same with signs.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public long Avx512Signed() => Score(SimdPath.Avx512, All, values);

    /// <summary>The sum of all numerators.</summary>
    protected static long Score(SimdPath path, BinnedGenes genes, GeneValues? values)
    {
        if (!Simd.IsSupported(path))
            return 0;
        var parts = values is null ? PairParts.Information : PairParts.Information | PairParts.Signs;
        using var kernel = new CpuBackend(path).Open(genes, new PairTask(CellsIn.EitherGene, values, parts), 1);
        using var worker = kernel.NewWorker();
        var (block, sum) = (new PairBlock(), 0L);
        foreach (var range in kernel.Blocks)
        {
            worker.Score(range, block);
            for (var row = range.FirstRow; row < range.EndRow; row++)
            for (var column = Math.Max(row + 1, range.FirstColumn); column < range.EndColumn; column++)
                sum += block.Numerators[(row - range.FirstRow) * block.Width + column - range.FirstColumn];
        }
        return sum;
    }
}

/// <summary>5,000 cells.</summary>
public class AllPairsFewCells : AllPairs
{
    protected override int Cells => 5000;

    [Params(5, 10, 30, 100)]
    public override int Density { get; set; }

    /// <summary>The cpu backend with AVX2, without signs.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public long Avx2() => Score(SimdPath.Avx2, All, null);

    /// <summary>The cpu backend in plain C#, without signs, on few genes.</summary>
    [Benchmark(OperationsPerInvoke = FewPairs)]
    public long Scalar() => Score(SimdPath.Scalar, Few, null);
}

/// <summary>50,000 cells.</summary>
public class AllPairsManyCells : AllPairs
{
    protected override int Cells => 50_000;

    [Params(5, 10)]
    public override int Density { get; set; }
}
