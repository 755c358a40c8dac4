namespace CoExpr.Kernels;

/// <summary>The three counts of one row for one distance.</summary>
struct RankCounts
{
    internal int Closer;
    internal int EqualBefore;
    internal int Equal;

    internal void AddEqual(int other, int own)
    {
        Equal++;
        if (other < own)
            EqualBefore++;
    }

    /// <summary>Counts another row of a distance that is known exactly.</summary>
    internal void Add(double distance, double ownDistance, int other, int own)
    {
        if (distance < ownDistance)
            Closer++;
        else if (distance == ownDistance)
            AddEqual(other, own);
    }

    internal readonly void Put(DistanceCounts counts, int row)
    {
        counts.Closer[row] = Closer;
        counts.EqualBefore[row] = EqualBefore;
        counts.Equal[row] = Equal;
    }
}

/// <summary>A predicted row on its way past the real ones: its own distances, and what has been counted.</summary>
struct ScreenedRow
{
    internal bool IsFinite;
    internal int Row;
    internal int Own;
    internal double L1;
    internal double L2;
    internal double Cosine;

    /// <summary>Whether nothing but 0 is left without the left-out genes.</summary>
    internal bool IsZero;

    /// <summary>√ Σ p² over all genes that any distance counts.</summary>
    internal double Norm;

    /// <summary>Σ p² over the genes that this row's distances count.</summary>
    internal double Left;

    internal RankCounts L1Counts;
    internal RankCounts L2Counts;
    internal RankCounts CosineCounts;

    /// <summary>Counts a row that is as far as the own one by any distance.</summary>
    internal void AddEqual(int other)
    {
        L1Counts.AddEqual(other, Own);
        L2Counts.AddEqual(other, Own);
        CosineCounts.AddEqual(other, Own);
    }

    /// <summary>Counts a row by its distance in double precision.</summary>
    internal void Add(DistanceKind kind, double distance, int other)
    {
        if (kind == DistanceKind.L1)
            L1Counts.Add(distance, L1, other, Own);
        else if (kind == DistanceKind.L2)
            L2Counts.Add(distance, L2, other, Own);
        else
            CosineCounts.Add(distance, Cosine, other, Own);
    }

    /// <summary>Counts by a distance that is off by less than the error, if that decides.</summary>
    internal bool TryL1(double distance, double scale, double error) =>
        Decides(ref L1Counts, distance, L1 * scale, error);

    /// <summary>The same by a squared distance.</summary>
    internal bool TryL2(double square, double scale, double error) =>
        Decides(ref L2Counts, square, L2 * scale * (L2 * scale), error);

    // Written so that NaN decides nothing.
    static bool Decides(ref RankCounts counts, double distance, double own, double error)
    {
        if (distance < own - error)
            counts.Closer++;
        else if (!(distance > own + error))
            return false;
        return true;
    }

    internal readonly void Put(DistanceCounts[] counts, int row)
    {
        L1Counts.Put(counts[(int)DistanceKind.L1], row);
        L2Counts.Put(counts[(int)DistanceKind.L2], row);
        CosineCounts.Put(counts[(int)DistanceKind.Cosine], row);
    }
}
