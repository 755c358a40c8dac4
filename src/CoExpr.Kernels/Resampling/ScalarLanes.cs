namespace CoExpr.Kernels;

/// <summary>One resample after the other: what any processor can do, and what the others are held against.</summary>
readonly unsafe struct ScalarLanes : ILanes
{
    const int Lanes = ResampleWeights.Lanes;

    public static void SumWeights(byte* weights, int* cells, int count, int largest, int* sums)
    {
        for (var lane = 0; lane < Lanes; lane++)
            sums[lane] = 0;
        for (var i = 0; i < count; i++)
        {
            var line = weights + (long)cells[i] * Lanes;
            for (var lane = 0; lane < Lanes; lane++)
                sums[lane] += line[lane];
        }
    }

    public static void CountLevel(byte* levels, int* cells, int count, byte level, int* sums)
    {
        for (var lane = 0; lane < Lanes; lane++)
            sums[lane] = 0;
        for (var i = 0; i < count; i++)
        {
            var line = levels + (long)cells[i] * Lanes;
            for (var lane = 0; lane < Lanes; lane++)
                sums[lane] += line[lane] == level ? 1 : 0;
        }
    }

    public static void Add(int* part, int* total)
    {
        for (var lane = 0; lane < Lanes; lane++)
            total[lane] += part[lane];
    }

    public static void Subtract(long* part, long* total)
    {
        for (var lane = 0; lane < Lanes; lane++)
            total[lane] -= part[lane];
    }

    public static void Difference(int* total, int* part, int* rest)
    {
        for (var lane = 0; lane < Lanes; lane++)
            rest[lane] = total[lane] - part[lane];
    }

    public static bool AddJoint(int* counts, int* row, bool rowMet, int* column, bool columnMet)
    {
        for (var lane = 0; lane < Lanes; lane++)
        {
            row[lane] = (rowMet ? row[lane] : 0) + counts[lane];
            column[lane] = (columnMet ? column[lane] : 0) + counts[lane];
        }
        return false;
    }

    public static bool AreSmall(int* counts) => false;

    public static void AddTerms(in Terms terms, SmallEntropies small, long* table, long* sums)
    {
        foreach (var term in terms.Small)
            for (var lane = 0; lane < terms.Lanes; lane++)
                sums[lane] += table[terms.At(term)[lane]];
        foreach (var term in terms.Plus)
            for (var lane = 0; lane < terms.Lanes; lane++)
                sums[lane] += table[terms.At(term)[lane]];
        foreach (var term in terms.Minus)
            for (var lane = 0; lane < terms.Lanes; lane++)
                sums[lane] -= table[terms.At(term)[lane]];
    }
}
