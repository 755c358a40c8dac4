using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums over samples for the regression of one gene's counts. Samples with equal rows of the design form a group:
/// what depends on the design alone is computed once per group, and weights are added up per group first.</summary>
public static class SampleRegression
{
    /// <summary>Fitted means: factor times the group's level e^(xb), not below the floor.</summary>
    /// <param name="factors">Size or normalization factors above 0, one per sample.</param>
    /// <param name="groupOf">The group of each sample.</param>
    /// <param name="levels">e^(xb), one per group.</param>
    /// <param name="floor">The smallest mean.</param>
    /// <param name="means">Where to, one per sample.</param>
    public static void Means(
        ReadOnlySpan<double> factors,
        ReadOnlySpan<int> groupOf,
        ReadOnlySpan<double> levels,
        double floor,
        Span<double> means
    )
    {
        for (var at = 0; at < means.Length; at++)
            means[at] = Math.Max(factors[at] * levels[groupOf[at]], floor);
    }

    /// <summary>Σ y ln μ − (y + 1/α) ln(1 + αμ): the part of the log-likelihood that depends on the means.</summary>
    public static double MeanTerms(ReadOnlySpan<double> counts, ReadOnlySpan<double> means, double dispersion)
    {
        var alpha = Math.Max(dispersion, DispersionLikelihood.Smallest);
        var (alphas, size) = (Vector512.Create(alpha), Vector512.Create(1.0 / alpha));
        var sum = Vector512<double>.Zero;
        for (var at = 0; at < counts.Length; at += Lanes8.Width)
        {
            var (count, mean) = (Lanes8.LoadBefore(counts, at), Lanes8.LoadBefore(means, at));
            // Of a mean of 0 the logarithm is finite here, and times a count of 0 nothing.
            sum += count * Lanes8.Log(mean) - (count + size) * Lanes8.LogOnePlus(alphas * mean);
        }
        return Lanes8.Sum(sum);
    }

    /// <summary>e^x of every value, −700 to 700.</summary>
    public static void Exponentials(ReadOnlySpan<double> values, Span<double> exponentials)
    {
        Span<double> eight = stackalloc double[Lanes8.Width];
        for (var at = 0; at < values.Length; at += Lanes8.Width)
        {
            Lanes8.Exp(Lanes8.LoadBefore(values, at)).CopyTo(eight);
            eight[..Math.Min(Lanes8.Width, values.Length - at)].CopyTo(exponentials[at..]);
        }
    }

    /// <summary>Per group the sums of w = μ/(1 + αμ) and of w z, z = ln(μ/factor) + (y − μ)/μ: what a step of iteratively
    /// reweighted least squares needs (McCullagh and Nelder 1989).</summary>
    public static void Working(
        ReadOnlySpan<double> counts,
        ReadOnlySpan<double> factors,
        ReadOnlySpan<double> means,
        double dispersion,
        ReadOnlySpan<int> groupOf,
        Span<double> weights,
        Span<double> responses
    )
    {
        weights.Clear();
        responses.Clear();
        Span<double> logs = stackalloc double[Lanes8.Width];
        for (var at = 0; at < counts.Length; at++)
        {
            if (at % Lanes8.Width == 0)
                Lanes8.Log(Lanes8.LoadBefore(means, at) / Lanes8.LoadBefore(factors, at)).CopyTo(logs);
            var mean = means[at];
            var weight = mean / (1.0 + dispersion * mean);
            weights[groupOf[at]] += weight;
            responses[groupOf[at]] += weight * (logs[at % Lanes8.Width] + (counts[at] - mean) / mean);
        }
    }

    /// <summary>Per group the sums of the observed information μ(1 + αy)/(1 + αμ)² of ln μ, and of its score
    /// (y − μ)/(1 + αμ).</summary>
    public static void Scores(
        ReadOnlySpan<double> counts,
        ReadOnlySpan<double> means,
        double dispersion,
        ReadOnlySpan<int> groupOf,
        Span<double> weights,
        Span<double> scores
    )
    {
        weights.Clear();
        scores.Clear();
        for (var at = 0; at < counts.Length; at++)
        {
            var inverse = 1.0 / (1.0 + dispersion * means[at]);
            weights[groupOf[at]] += means[at] * (1.0 + dispersion * counts[at]) * inverse * inverse;
            scores[groupOf[at]] += (counts[at] - means[at]) * inverse;
        }
    }

    /// <summary>Per group the sums of w and of dw / d ln α = −α w²: what Cox and Reid's adjustment needs.</summary>
    public static void WeightsAndSlopes(
        ReadOnlySpan<double> means,
        double dispersion,
        ReadOnlySpan<int> groupOf,
        Span<double> weights,
        Span<double> slopes
    )
    {
        weights.Clear();
        slopes.Clear();
        for (var at = 0; at < means.Length; at++)
        {
            var weight = means[at] / (1.0 + dispersion * means[at]);
            weights[groupOf[at]] += weight;
            slopes[groupOf[at]] -= dispersion * weight * weight;
        }
    }

    /// <summary>The lower triangle of XᵀWX.</summary>
    /// <param name="rows">The design's distinct rows, groups x size.</param>
    /// <param name="size">The number of coefficients.</param>
    /// <param name="weights">One per group.</param>
    /// <param name="matrix">Where to: size x size.</param>
    public static void Information(
        ReadOnlySpan<double> rows,
        int size,
        ReadOnlySpan<double> weights,
        Span<double> matrix
    )
    {
        matrix[..(size * size)].Clear();
        for (var group = 0; group < weights.Length; group++)
        {
            var row = rows.Slice(group * size, size);
            for (var i = 0; i < size; i++)
            {
                var scaled = weights[group] * row[i];
                for (var j = 0; j <= i; j++)
                    matrix[i * size + j] += scaled * row[j];
            }
        }
    }

    /// <summary>Xᵀv.</summary>
    /// <param name="rows">The design's distinct rows, groups x size.</param>
    /// <param name="size">The number of coefficients.</param>
    /// <param name="values">One per group.</param>
    /// <param name="vector">Where to: one per coefficient.</param>
    public static void Project(ReadOnlySpan<double> rows, int size, ReadOnlySpan<double> values, Span<double> vector)
    {
        vector[..size].Clear();
        for (var group = 0; group < values.Length; group++)
        for (var i = 0; i < size; i++)
            vector[i] += rows[group * size + i] * values[group];
    }

    /// <summary>Xb, one per group.</summary>
    public static void Predict(
        ReadOnlySpan<double> rows,
        int size,
        ReadOnlySpan<double> coefficients,
        Span<double> values
    )
    {
        for (var group = 0; group < values.Length; group++)
        {
            var sum = 0.0;
            for (var i = 0; i < size; i++)
                sum += rows[group * size + i] * coefficients[i];
            values[group] = sum;
        }
    }
}
