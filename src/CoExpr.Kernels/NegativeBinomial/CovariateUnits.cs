using System;

namespace CoExpr.Kernels;

/// <summary>Which weights of cells are summed. With r = 1 / (1 + α μ) they are functions of the means alone.</summary>
public enum WeightKind
{
    /// <summary>Fisher's information on ln μ, e = μ r.</summary>
    Expected,

    /// <summary>∂e / ∂ ln α = −μ r (1 − r).</summary>
    Slope,

    /// <summary>∂²e / ∂ (ln α)² = μ r (1 − r) (1 − 2 r).</summary>
    Curvature,
}

/// <summary>A group's score and informations on its intercept, for Firth's penalty.</summary>
/// <param name="Score">∂ℓ/∂β.</param>
/// <param name="Observed">−∂²ℓ/∂β².</param>
/// <param name="Expected">I, Fisher's.</param>
/// <param name="Slope">∂I/∂β = Σ μ r².</param>
public readonly record struct InterceptScore(double Score, double Observed, double Expected, double Slope);

/// <summary>The cells of all groups with their covariates, and the counts of one gene in them: the mean of a cell is
/// s e^(β + xγ), β being its group's intercept and γ the slopes that all groups share. Sums over the cells of a group are
/// either over every cell or, where covariates take few values, over the strata of equal ones. One serves one thread.</summary>
public abstract class CovariateUnits
{
    /// <summary>The intercept of a group without counts, whose maximum is at a mean of 0: small enough that no sum notices,
    /// and finite, so that nothing needs a case of its own.</summary>
    public const double Absent = -600;

    /// <summary>Whether an intercept stands for a mean of 0.</summary>
    public static bool IsAbsent(double intercept) => intercept < Absent / 2;

    /// <summary>The number of groups.</summary>
    public abstract int Groups { get; }

    /// <summary>The number of covariates, after categories were expanded.</summary>
    public abstract int Columns { get; }

    /// <summary>Takes in a gene.</summary>
    /// <param name="positions">Positions of the cells with a count, increasing.</param>
    /// <param name="values">Their counts, whole numbers above 0.</param>
    /// <param name="offsets">Added to ln μ of each position, or none.</param>
    public abstract void Load(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<double> offsets);

    /// <summary>Σ y of a group.</summary>
    public abstract double Total(int group);

    /// <summary>Σ s of a group.</summary>
    public abstract double SizeSum(int group);

    /// <summary>How many cells of a group have a count.</summary>
    public abstract int Stored(int group);

    /// <summary>How many cells a group has.</summary>
    public abstract int Size(int group);

    /// <summary>Mean over all cells of y / s.</summary>
    public abstract double MeanOfScaled();

    /// <summary>The smallest value of a covariate in a group.</summary>
    public abstract double Lowest(int group, int column);

    /// <summary>The largest value of a covariate in a group.</summary>
    public abstract double Highest(int group, int column);

    /// <summary>Scores (y − μ) r and observed informations μ (1 + α y) r² of a group's cells.</summary>
    public abstract void Newton(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes,
        GroupSums sums
    );

    /// <summary>ℓ of a group at the first coefficients less ℓ at the others, without cancellation.</summary>
    public abstract double LogRatio(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes,
        double otherIntercept,
        ReadOnlySpan<double> otherSlopes
    );

    /// <summary>The score of a group's intercept.</summary>
    public abstract InterceptScore Intercept(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes
    );

    /// <summary>Keeps the means at these coefficients for <see cref="Weights"/> and <see cref="Deposit"/>.</summary>
    public abstract void Hold(ReadOnlySpan<double> intercepts, ReadOnlySpan<double> slopes);

    /// <summary>Sums of weights at the means that are held; those of scores are 0.</summary>
    public abstract void Weights(int group, double dispersion, WeightKind kind, GroupSums sums);

    /// <summary>The rules of size factors, for work spaces.</summary>
    internal abstract SizeFactorNodes Nodes { get; }

    /// <summary>Puts the means that are held, and the counts, into a profile of the dispersion.</summary>
    internal abstract void Deposit(DispersionProfile profile);
}
