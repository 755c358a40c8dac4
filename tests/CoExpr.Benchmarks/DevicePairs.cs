using System;
using System.Linq;
using BenchmarkDotNet.Attributes;
using CoExpr.Gpu;
using CoExpr.Kernels;

namespace CoExpr.Benchmarks;

/// <summary>Mutual information of all pairs of 512 genes over 5,000 cells with 10 bins on the first OpenCL device, a graphics
/// card if there is one, against the cpu backend on one thread. Every method's scores are compared with the cpu
/// backend's, bit for bit, before anything is timed.</summary>
public class DevicePairs
{
    const int Genes = 512;
    const int Cells = 5000;
    const int Bins = 10;

    /// <summary>Percentage of values above 0.</summary>
    [Params(2, 10, 30)]
    public int Density { get; set; }

    /// <summary>Whether the sign of the correlation is asked for.</summary>
    [Params(false, true)]
    public bool Signed { get; set; }

    BinnedGenes genes = null!;
    GeneValues values = null!;
    GpuBackend byDensity = null!;
    GpuBackend planes = null!;
    GpuBackend scatter = null!;

    [GlobalSetup]
    public void Setup()
    {
        var device =
            OpenClDevices.List().Devices.OrderBy(found => found.Kind == OpenClDeviceKind.Gpu ? 0 : 1).FirstOrDefault()
            ?? throw new InvalidOperationException("there is no OpenCL device: " + OpenClDevices.List().Reason);
        Console.WriteLine($"// device: {device.Name}, {device.Kind}, {device.Platform.Version}");
        Draw(new System.Random(1));
        (byDensity, planes, scatter) = (
            On(device, GpuHistogram.ByDensity),
            On(device, GpuHistogram.Planes),
            On(device, GpuHistogram.Scatter)
        );
        foreach (var backend in new[] { byDensity, planes, scatter })
            if (Score(backend) != Cpu())
                throw new InvalidOperationException("the device's scores are not the processor's");
    }

    [GlobalCleanup]
    public void Release()
    {
        foreach (var backend in new[] { byDensity, planes, scatter })
            backend.Dispose();
    }

    // A device that gives out would time the processor, so that is an error here.
    static GpuBackend On(OpenClDevice device, GpuHistogram histogram) =>
        new(
            "device",
            device,
            new ScatterBackend(),
            told => throw new InvalidOperationException(told),
            new GpuSettings { Histogram = histogram }
        );

    void Draw(System.Random random)
    {
        var entries = Enumerable
            .Range(0, Genes)
            .Select(_ =>
                Enumerable
                    .Range(0, Cells)
                    .Where(_ => random.Next(100) < Density)
                    .Select(cell => (Cell: cell, Level: (byte)random.Next(1, Bins + 1)))
                    .ToArray()
            )
            .ToArray();
        var starts = new long[Genes + 1];
        for (var gene = 0; gene < Genes; gene++)
            starts[gene + 1] = starts[gene] + entries[gene].Length;
        var all = entries.SelectMany(gene => gene).ToArray();
        var cellOf = Array.ConvertAll(all, entry => entry.Cell);
        var levelOf = Array.ConvertAll(all, entry => entry.Level);
        genes = new BinnedGenes(Cells, starts, cellOf, levelOf, Enumerable.Repeat((byte)Bins, Genes).ToArray());
        values = new GeneValues(Cells, starts, cellOf, Array.ConvertAll(levelOf, level => (float)level));
    }

    /// <summary>The cpu backend on one thread.</summary>
    [Benchmark(Baseline = true)]
    public long Cpu() => Score(new ScatterBackend());

    /// <summary>The device, counting by the density of the tile.</summary>
    [Benchmark]
    public long ByDensity() => Score(byDensity);

    /// <summary>The device, by positional population counts.</summary>
    [Benchmark]
    public long Planes() => Score(planes);

    /// <summary>The device, by scattering.</summary>
    [Benchmark]
    public long Scatter() => Score(scatter);

    long Score(IPairBackend backend)
    {
        var parts = Signed ? PairParts.Information | PairParts.Signs : PairParts.Information;
        var task = new PairTask(CellsIn.EitherGene, Signed ? values : null, parts);
        using var kernel = backend.Open(genes, task, 1);
        using var worker = kernel.NewWorker();
        var (block, hash) = (new PairBlock(), 0L);
        foreach (var range in kernel.Blocks)
        {
            worker.Score(range, block);
            hash += Hash(block);
        }
        return hash;
    }

    // Depends on every bit of every pair's score and on its place, not on the blocks.
    static long Hash(PairBlock block)
    {
        var hash = 0L;
        for (var row = block.FirstRow; row < block.EndRow; row++)
        for (var column = Math.Max(row + 1, block.FirstColumn); column < block.EndColumn; column++)
        {
            var at = (row - block.FirstRow) * block.Width + column - block.FirstColumn;
            var score = block.Numerators[at] * 31 + block.Cells[at] * 7L + block.Signs[at];
            hash += unchecked(score * (2 * ((long)row * Genes + column) + 1));
        }
        return hash;
    }
}
