namespace CoExpr.Kernels;

/// <summary>How far two rows of numbers are apart.</summary>
public enum DistanceKind
{
    /// <summary>Σ |x − y|.</summary>
    L1,

    /// <summary>√ Σ (x − y)².</summary>
    L2,

    /// <summary>1 − x·y / (|x| |y|), within 0 and 2; 1 where a row is all 0.</summary>
    Cosine,
}
