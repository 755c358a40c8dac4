using System;
using System.Linq;
using CoExpr.Kernels;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.Benchmarks;

/// <summary>Negative-binomial tests of a screen with covariates, in processor time of one thread, and one gene at a time by
/// weighted least squares on a dense matrix. Coefficients of both are compared before anything is timed.</summary>
static class CovariateCost
{
    internal static void Run()
    {
        Console.WriteLine(
            "| screen | covariates | counts above 0 | all, s | per count above 0, ns | per gene and cell, ns | naive fit per gene and cell, ns |"
        );
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        var small = NegativeBinomialCost.Simulated(4000, 2000);
        Measure("2,000 genes x 4,000 cells x 11 groups", small, NegativeBinomialCost.Grouped(small, 11, 0.2), 3);
        var large = NegativeBinomialCost.Simulated(200_000, 200);
        Measure("200 genes x 200,000 cells x 1,001 groups", large, NegativeBinomialCost.Grouped(large, 1001, 0.05), 1);
    }

    static void Measure(string name, Cells bare, Groups groups, int times)
    {
        var cells = WithColumns(bare);
        var naive = Naive(cells);
        foreach (var columns in new[] { Array.Empty<string>(), ["batch"], ["percent"], ["batch", "percent", "phase"] })
        {
            var options = NegativeBinomialCost.Options(
                DispersionSource.NewScreen(GeneDispersionsModule.standard),
                new CovariateOptions(ListModule.OfSeq(columns), [], [])
            );
            var seconds = NegativeBinomialCost.Best(
                times,
                () => Done(NegativeBinomialScreen.compute(ProgressModule.none, options, groups, cells))
            );
            var (entries, places) = ((double)cells.Counts.Entries, (double)cells.Counts.Genes * cells.Counts.Cells);
            Console.WriteLine(
                FormattableString.Invariant(
                    $"| {name} | {(columns.Length == 0 ? "none" : string.Join(", ", columns))} | {entries:N0} | {seconds:0.000} | {seconds / entries * 1e9:0} | {seconds / places * 1e9:0.0} | {naive * 1e9:0} |"
                )
            );
        }
    }

    static NegativeBinomialResult Done(FSharpResult<NegativeBinomialResult, CoExprError> result) =>
        result.IsOk
            ? result.ResultValue
            : throw new InvalidOperationException(CoExprErrorModule.describe(result.ErrorValue));

    // Three batches, two phases and a number from 0 to 10.
    static Cells WithColumns(Cells cells)
    {
        var random = new System.Random(1);
        var count = cells.Counts.Cells;
        string[] Labels(params string[] levels) =>
            [.. Enumerable.Range(0, count).Select(_ => levels[random.Next(levels.Length)])];
        var table = TableModule.withColumn("batch", ColumnModule.categories(Labels("x", "y", "z")), cells.CellTable);
        table = TableModule.withColumn("phase", ColumnModule.categories(Labels("G1", "S")), table);
        var percent = Enumerable.Range(0, count).Select(_ => 10 * random.NextDouble()).ToArray();
        table = TableModule.withColumn("percent", Column.NewFloat(percent), table);
        return new Cells(cells.Source, cells.Counts, table, cells.GeneTable, cells.Layers, cells.Embeddings);
    }

    /// <summary>Seconds per cell of one fit of one gene with three groups and one number, by least squares on a dense matrix
    /// until nothing changes.</summary>
    static double Naive(Cells cells)
    {
        var count = cells.Counts.Cells;
        var percent = ((Column.Float)TableModule.tryColumn("percent", cells.CellTable).Value).Item;
        var (y, x) = (new double[count], percent.Select(value => value - 5).ToArray());
        var genes = cells.Counts.ByGene;
        var most = Enumerable.Range(0, genes.Lines).MaxBy(line => genes.Starts[line + 1] - genes.Starts[line]);
        for (var at = genes.Starts[most]; at < genes.Starts[most + 1]; at++)
            y[genes.Indices[at]] = genes.Values[at];
        int[] starts = [0, count / 3, 2 * count / 3, count];
        var units = new CellUnits(new CellColumns([.. Enumerable.Repeat(1.0, count)], [x], starts));
        int[] positions = [.. Enumerable.Range(0, count).Where(cell => y[cell] > 0)];
        units.Load(positions, [.. positions.Select(cell => (float)y[cell])], []);
        var found = new CovariateCoefficients(3, 1);
        CovariateFit.Start(units, found);
        new CovariateFit(units).Solve(found, 0.3, TiedIntercept.Free());
        double[] expected = [];
        var seconds = NegativeBinomialCost.Best(2, () => expected = LeastSquares(y, x, starts, 0.3));
        for (var at = 0; at < 4; at++)
            if (!(Math.Abs(expected[at] - (at < 3 ? found.Intercepts[at] : found.Slopes[0])) < 1e-7))
                throw new InvalidOperationException($"coefficient {at}: {expected[at]}");
        return seconds / count;
    }

    static double[] LeastSquares(double[] y, double[] x, int[] starts, double dispersion)
    {
        var beta = new double[4];
        var (matrix, right, row) = (new double[16], new double[4], new double[4]);
        for (var step = 0; step < 100; step++)
        {
            Array.Clear(matrix);
            Array.Clear(right);
            for (var cell = 0; cell < y.Length; cell++)
            {
                Array.Clear(row);
                row[
                    cell < starts[1] ? 0
                    : cell < starts[2] ? 1
                    : 2
                ] = 1;
                row[3] = x[cell];
                var mean = Math.Exp(row.Zip(beta, (a, b) => a * b).Sum());
                var weight = mean / (1 + dispersion * mean);
                for (var i = 0; i < 4; i++)
                {
                    right[i] += row[i] * weight * (y[cell] - mean) / mean;
                    for (var j = 0; j <= i; j++)
                        matrix[4 * i + j] += weight * row[i] * row[j];
                }
            }
            SymmetricSystem.Factor(matrix, 4);
            SymmetricSystem.Solve(matrix, 4, right);
            for (var i = 0; i < 4; i++)
                beta[i] += right[i];
            if (right.Max(Math.Abs) < 1e-10)
                break;
        }
        return beta;
    }
}
