namespace CoExpr.Kernels;

/// <summary>Arithmetic on 64 resamples side by side, in one set of instructions. Each operation is in whole numbers, so
/// all sets give the same.</summary>
unsafe interface ILanes
{
    /// <summary>sums = Σ weights of so many cells; no weight is above <paramref name="largest"/>.</summary>
    static abstract void SumWeights(byte* weights, int* cells, int count, int largest, int* sums);

    /// <summary>sums = number of the cells that have this level.</summary>
    static abstract void CountLevel(byte* levels, int* cells, int count, byte level, int* sums);

    /// <summary>total += part.</summary>
    static abstract void Add(int* part, int* total);

    /// <summary>total −= part.</summary>
    static abstract void Subtract(long* part, long* total);

    /// <summary>rest = total − part.</summary>
    static abstract void Difference(int* total, int* part, int* rest);

    /// <summary>row += counts and column += counts, or = where they have not been met yet. Says whether the logarithms of
    /// the counts are found faster than by looking each up in memory.</summary>
    static abstract bool AddJoint(int* counts, int* row, bool rowMet, int* column, bool columnMet);

    /// <summary>Whether the logarithms of these counts are found faster than by looking each up in memory.</summary>
    static abstract bool AreSmall(int* counts);

    /// <summary>sums += Σ F[small] + Σ F[plus] − Σ F[minus].</summary>
    static abstract void AddTerms(in Terms terms, SmallEntropies small, long* table, long* sums);
}

/// <summary>Counts whose n log2 n is wanted: each a place of 64 counts, by number.</summary>
unsafe ref struct Terms
{
    internal int* Counts;

    /// <summary>Lanes in use, a multiple of 16; what the others come to is nothing.</summary>
    internal int Lanes;
    internal System.ReadOnlySpan<int> Small;
    internal System.ReadOnlySpan<int> Plus;
    internal System.ReadOnlySpan<int> Minus;

    internal readonly int* At(int term) => Counts + (long)term * ResampleWeights.Lanes;
}
