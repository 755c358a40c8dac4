using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace CoExpr.Kernels;

/// <summary>A tile of genes as columns: what each kernel needs of it, made when a worker first asks and let go when the
/// last block of the tile is done.</summary>
sealed class ColumnTile : IDisposable
{
    readonly BinnedGenes genes;
    readonly PairTask task;
    readonly int blockCells;
    readonly Lock gate = new();
    TilePlanes? planes;
    TilePlanes? digitPlanes;
    TileScatter? scatter;
    ScatterProducts? products;
    readonly Dictionary<CountingMethod, (long Pairs, double Predicted, double Seconds)> uses = [];
    int users;
    int blocksLeft;

    internal ColumnTile(BinnedGenes genes, PairTask task, long[] table, int first, int end, int lanes, int blockCells)
    {
        (this.genes, this.task, this.blockCells) = (genes, task, blockCells);
        for (var gene = first; gene < end; gene++)
        {
            Levels = Math.Max(Levels, genes.Levels[gene]);
            foreach (var size in genes.LevelSizes.AsSpan(genes.LevelStarts[gene], genes.Levels[gene]))
                LargestLevel = Math.Max(LargestLevel, size);
        }
        Entries = genes.Starts[end] - genes.Starts[first];
        Terms = new TileTerms(genes, table, task.Cells, first, end, lanes, Levels);
    }

    internal TileTerms Terms { get; }
    internal int First => Terms.First;
    internal int End => Terms.End;
    internal int Lanes => Terms.Lanes;

    /// <summary>Highest level of any gene.</summary>
    internal int Levels { get; }

    /// <summary>Most cells of any gene at any level.</summary>
    internal int LargestLevel { get; }

    /// <summary>Expressed cells of all genes.</summary>
    internal long Entries { get; }

    /// <summary>Share of its cells and genes that are expressed.</summary>
    internal double Density => Entries / ((double)(End - First) * Math.Max(genes.Cells, 1));

    /// <summary>Notes what a block took.</summary>
    internal void Note(CountingMethod method, long pairs, double predicted, double seconds)
    {
        lock (gate)
        {
            var before = uses.GetValueOrDefault(method);
            uses[method] = (before.Pairs + pairs, before.Predicted + predicted, before.Seconds + seconds);
        }
    }

    /// <summary>All that was noted.</summary>
    internal IEnumerable<CountingUse> Explain()
    {
        lock (gate)
            return
            [
                .. uses.OrderBy(use => use.Key)
                    .Select(use => new CountingUse(
                        First,
                        End,
                        Density,
                        use.Key,
                        use.Value.Pairs,
                        use.Value.Predicted,
                        use.Value.Seconds
                    )),
            ];
    }

    /// <summary>Says that another block of the tile is to come.</summary>
    internal void Expect() => blocksLeft++;

    /// <summary>Says that a worker uses the tile.</summary>
    internal void Enter()
    {
        lock (gate)
            users++;
    }

    /// <summary>Says that a worker is done with a block of the tile; the last lets go of its memory.</summary>
    internal void Leave()
    {
        lock (gate)
        {
            (users, blocksLeft) = (users - 1, blocksLeft - 1);
            if (users == 0 && blocksLeft <= 0)
                LetGo();
        }
    }

    internal TilePlanes Planes()
    {
        lock (gate)
            return planes ??= TilePlanes.OfLevels(genes, First, End, blockCells);
    }

    internal TileScatter Scatter()
    {
        lock (gate)
            return scatter ??= new TileScatter(genes, First, End, Lanes);
    }

    /// <summary>The genes' values by binary digit.</summary>
    internal TilePlanes Digits(int digits)
    {
        lock (gate)
            return digitPlanes ??= TilePlanes.OfDigits(task.Values!, First, End, digits, blockCells);
    }

    internal ScatterProducts Products()
    {
        lock (gate)
            return products ??= new ScatterProducts(task.Values!, First, End);
    }

    void LetGo()
    {
        planes?.Dispose();
        digitPlanes?.Dispose();
        (planes, digitPlanes, scatter, products) = (null, null, null, null);
    }

    public void Dispose()
    {
        LetGo();
        Terms.Dispose();
    }
}
