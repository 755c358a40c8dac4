namespace CoExpr.Kernels;

/// <summary>Where each predicted row's own real row stands among all real rows, by distance from the predicted row. Ranks
/// under any rule for ties follow from the three counts.</summary>
/// <param name="rows">Predicted rows.</param>
public sealed class DistanceCounts(int rows)
{
    /// <summary>Real rows that are closer than the own one, one number per predicted row.</summary>
    public int[] Closer { get; } = new int[rows];

    /// <summary>Real rows as far as the own one that stand before it.</summary>
    public int[] EqualBefore { get; } = new int[rows];

    /// <summary>Real rows as far as the own one, itself included: 0 where a predicted row is not finite and has no distances.
    /// </summary>
    public int[] Equal { get; } = new int[rows];
}
