using System;
using System.Linq;
using BenchmarkDotNet.Attributes;
using CoExpr.Kernels;

namespace CoExpr.Benchmarks;

/// <summary>Mutual information of all pairs of 512 genes over 5,000 cells with 10 bins, one thread, against the plain
/// loop over pairs and cells. Every method's scores are compared with the plain loop's before anything is timed.</summary>
[MemoryDiagnoser]
public class AllPairs
{
    const int Genes = 512;
    const int Cells = 5000;
    const int Bins = 10;

    /// <summary>Percentage of values above 0.</summary>
    [Params(5, 10, 30, 100)]
    public int Density { get; set; }

    byte[][] levels = [];
    BinnedGenes binned = null!;
    GeneValues values = null!;

    [GlobalSetup]
    public void Setup()
    {
        var random = new System.Random(1);
        levels = Enumerable
            .Range(0, Genes)
            .Select(_ => Enumerable.Range(0, Cells).Select(_ => Level(random)).ToArray())
            .ToArray();
        var starts = new long[Genes + 1];
        for (var gene = 0; gene < Genes; gene++)
            starts[gene + 1] = starts[gene] + levels[gene].Count(level => level > 0);
        var entries = levels
            .SelectMany(gene => gene.Select((level, cell) => (level, cell)).Where(x => x.level > 0))
            .ToArray();
        var cellOf = Array.ConvertAll(entries, entry => entry.cell);
        var levelOf = Array.ConvertAll(entries, entry => entry.level);
        binned = new BinnedGenes(Cells, starts, cellOf, levelOf, Array.ConvertAll(levels, gene => gene.Max()));
        values = new GeneValues(Cells, starts, cellOf, Array.ConvertAll(levelOf, level => (float)level));
        Check();
    }

    byte Level(System.Random random) => random.Next(100) < Density ? (byte)random.Next(1, Bins + 1) : (byte)0;

    void Check()
    {
        var (expected, found) = (Naive(), Unsigned());
        if (Math.Abs(expected - found) > 1e-6 * Math.Abs(expected))
            throw new InvalidOperationException($"the sum of all scores is {found} where {expected} was expected");
    }

    /// <summary>A table for each pair from all cells, and a logarithm for each of its counts.</summary>
    [Benchmark(Baseline = true)]
    public double Naive()
    {
        var sum = 0.0;
        var table = new int[(Bins + 1) * (Bins + 1)];
        for (var a = 0; a < Genes; a++)
        for (var b = a + 1; b < Genes; b++)
        {
            Array.Clear(table);
            for (var cell = 0; cell < Cells; cell++)
                table[levels[a][cell] * (Bins + 1) + levels[b][cell]]++;
            table[0] = 0;
            sum += Information(table);
        }
        return sum;
    }

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
                information +=
                    table[i] / total * Math.Log2(table[i] * total / ((double)rows[i / side] * columns[i % side]));
        return information;
    }

    /// <summary>The cpu backend without signs.</summary>
    [Benchmark]
    public double Unsigned() => Score(null);

    /// <summary>The cpu backend with signs.</summary>
    [Benchmark]
    public double Signed() => Score(values);

    double Score(GeneValues? signs)
    {
        var parts = signs is null ? PairParts.Information : PairParts.Information | PairParts.Signs;
        var task = new PairTask(CellsIn.EitherGene, signs, parts);
        using var kernel = new ScatterBackend().Open(binned, task, 1);
        using var worker = kernel.NewWorker();
        var (block, sum) = (new PairBlock(), 0.0);
        foreach (var range in kernel.Blocks)
        {
            worker.Score(range, block);
            sum += Sum(block);
        }
        return sum;
    }

    static double Sum(PairBlock block)
    {
        var sum = 0.0;
        for (var row = block.FirstRow; row < block.EndRow; row++)
        for (var column = Math.Max(row + 1, block.FirstColumn); column < block.EndColumn; column++)
        {
            var at = (row - block.FirstRow) * block.Width + column - block.FirstColumn;
            sum += block.Numerators[at] / ((double)block.Cells[at] * (1L << EntropyTable.Scale));
        }
        return sum;
    }
}
