using System;
using System.Collections.Generic;
using System.Linq;
using CoExpr.IO;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What is compared with what, and by which test.</summary>
public sealed record DifferentialExpressionOptions
{
    /// <summary>The columns of the cell table that say what was done to each cell; labels of several are joined by "|".
    /// Cells without a label are as if they were not in the input, whatever their values are. Default: perturbation.</summary>
    public IReadOnlyList<string> Perturbation { get; init; } = ["perturbation"];

    /// <summary>The label of the cells that each perturbation is compared with. Default: each is compared with all other
    /// cells.</summary>
    public string? Control { get; init; }

    /// <summary>Labels to compare with one another, in place of each perturbation with the control: log fold changes are of the
    /// first of each over the second, and rows are named "first vs second". Default: none.</summary>
    public IReadOnlyList<LabelContrast> Contrasts { get; init; } = [];

    /// <summary>Of counts, by negative binomials: "lrt" (likelihood ratio), "wald", "score" or "ql" (quasi-likelihood). Of
    /// other values, or of normalised counts: "rank-sum" (Mann-Whitney) or "welch" (t). "crispyx-wald" is CRISPYx's test of
    /// counts, faults included, and "deseq2-wald" DESeq2's analysis of each comparison by itself: see <see cref="Like"/>.
    /// Default: lrt.</summary>
    public string Test { get; init; } = "lrt";

    /// <summary>How negative binomials allow for the depth of cells: "trimmed" (total counts without the twentieth of
    /// the genes with the most), "library" (total counts), "ratio" (median of ratios),
    /// "poscounts" (DESeq2's) or "non-zero" (CRISPYx's). Default: trimmed.</summary>
    public string SizeFactors { get; init; } = "trimmed";

    /// <summary>A column of the cell table with size factors of your own, instead. Default: none.</summary>
    public string? SizeFactorColumn { get; init; }

    /// <summary>Dispersions of your own, one per gene, instead of estimated ones. Default: none.</summary>
    public IReadOnlyList<double>? Dispersions { get; init; }

    /// <summary>Whether dispersions are estimated anew for each perturbation and the control, not once for the screen.
    /// Default: no.</summary>
    public bool DispersionsEachComparison { get; init; }

    /// <summary>What dispersions are drawn towards: "local" (likelihood of genes of like mean), "median" (running),
    /// "parametric" (a0 + a1 / mean) or "constant". Default: local.</summary>
    public string DispersionTrend { get; init; } = "local";

    /// <summary>By how much: "mode" (posterior mode), "precision" (weighed means), "none" (each gene's own) or "trend" (the
    /// trend's). Default: mode.</summary>
    public string DispersionShrinkage { get; init; } = "mode";

    /// <summary>Columns of the cell table that negative binomials allow for in all groups alike, whatever the perturbation:
    /// labels level by level, numbers as they are, or factor(name) for numbers that are labels. Default: none.</summary>
    public IReadOnlyList<string> Covariates { get; init; } = [];

    /// <summary>log2 fold changes up to this one are no finding of a negative-binomial test. Default: 0.</summary>
    public double Threshold { get; init; }

    /// <summary>Whether fold changes nearer to 0 than the threshold are the finding instead. Default: no.</summary>
    public bool Within { get; init; }

    /// <summary>Whether genes that hardly any cell has are left untested by negative binomials, as in CRISPYx. Default: no.</summary>
    public bool LowExpressionFilter { get; init; }

    /// <summary>What tests of counts make of counts that move a comparison by more than they should, by Cook's distance:
    /// "off", "flag" (the row says so) or "set-aside" (it has no p, either, as in DESeq2). Default: off.</summary>
    public string Cooks { get; init; } = "off";

    /// <summary>Which cells size factors and dispersions of tests of counts are made of: "screen" (all that have a
    /// label) or "comparison" (of each row its two groups alone). Default: screen.</summary>
    public string Scope { get; init; } = "screen";

    /// <summary>Whether fold changes of negative binomials are also given drawn towards 0 (apeglm's prior), with s-values.
    /// Default: no.</summary>
    public bool Shrink { get; init; }

    /// <summary>What they are drawn by: "statistics" (the estimate taken as normal about the truth) or "counts" (their
    /// likelihood, with a second look at every gene). Default: statistics.</summary>
    public string ShrinkBy { get; init; } = "statistics";

    /// <summary>The smallest mean that "crispyx-wald" lets a fit have; 1e-6 mends what it does to genes of few counts.
    /// Default: 0.5, as CRISPYx.</summary>
    public double LeastMean { get; init; } = CrispyxScreen.defaults.LeastMean;

    /// <summary>Whether cells without a count are left out; a negative binomial has no size factor for them. Default: no.</summary>
    public bool LeaveOutEmptyCells { get; init; }

    /// <summary>"log-normalised" (log1p of counts brought to <see cref="Target"/> per cell), "log1p" (as stored, and
    /// logarithms already) or "as-is" (as stored). Default: log-normalised.</summary>
    public string Values { get; init; } = "log-normalised";

    /// <summary>The total that the counts of each cell are brought to. Default: 10,000.</summary>
    public double Target { get; init; } = 10_000;

    /// <summary>"two-sided", "greater" (higher in the perturbed cells) or "less". Default: two-sided.</summary>
    public string Alternative { get; init; } = "two-sided";

    /// <summary>Whether a rank-sum test is corrected for continuity. Default: yes.</summary>
    public bool Continuity { get; init; } = true;

    /// <summary>Whether a rank-sum test is corrected for ties. Default: yes.</summary>
    public bool TieCorrection { get; init; } = true;

    /// <summary>Whether the p of a rank-sum test of at most 50 cells without ties is exact. Default: yes.</summary>
    public bool Exact { get; init; } = true;

    /// <summary>A column of the cell table within whose levels ranks are taken (van Elteren's test). Default: none.</summary>
    public string? Batch { get; init; }

    /// <summary>Whether batches weigh by their pairs of cells, not by van Elteren's locally best weights. Default: no.</summary>
    public bool UnitWeights { get; init; }

    /// <summary>Whether a t-test takes the reference to have as few cells as the perturbation, as scanpy's
    /// t-test_overestim_var. Default: no.</summary>
    public bool OverestimateVariance { get; init; }

    /// <summary>Whether a t-test takes a group of which all cells have one value, with a variance of 0, as scipy and scanpy
    /// do; p is then far too small for genes that few cells express. Default: no.</summary>
    public bool ConstantGroups { get; init; }

    /// <summary>Which means fold changes are of: "arithmetic" or "geometric" (as scanpy and pdex). Default: arithmetic.</summary>
    public string FoldChange { get; init; } = "arithmetic";

    /// <summary>Added to both means of a fold change. Default: 1e-9.</summary>
    public double Pseudocount { get; init; } = 1e-9;

    /// <summary>Whether q-values are over all perturbations, not over each. Default: no.</summary>
    public bool AdjustOverAll { get; init; }

    /// <summary>Whether genes of which every cell has the same value count among the tests that q-values are over. Default:
    /// no.</summary>
    public bool CountUntestable { get; init; }

    /// <summary>The false discovery rate that independent filtering is made for: genes of a low mean, over both groups' cells,
    /// lose their q where that leaves more findings among the others. Default: no filtering.</summary>
    public double? IndependentFiltering { get; init; }

    /// <summary>Groups with fewer cells are not tested. Default: 2.</summary>
    public int MinimumCells { get; init; } = 2;

    /// <summary>How many groups the controls are split into, each to be tested against the other controls, where there is
    /// nothing to find: how often p is low then is told. 0: none. With <see cref="GuideColumn"/> at most so many guides.
    /// Default: 0.</summary>
    public int CalibrationSplits { get; init; }

    /// <summary>A column of the cell table with the guide of each cell: whole guides of the controls are tested instead of
    /// random groups. Default: none.</summary>
    public string? GuideColumn { get; init; }

    /// <summary>Seed of the random groups. Default: 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads to compute with; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether tables have the columns of pdex, which cell-eval reads. Default: no.</summary>
    public bool PdexColumns { get; init; }

    /// <summary>Whether .h5ad outputs have uns["rank_genes_groups"], too, as scanpy leaves it. Default: no.</summary>
    public bool RankGenesGroups { get; init; }

    /// <summary>The same, with the ranks, t-tests, fold changes and corrections of another program: "scanpy" (1.10),
    /// "crispyx" (0.1.1) or "pdex" (0.2.5, with its columns). Of "crispyx" also its test of counts, where the test is wald:
    /// its size factors, its least mean of 0.5 and its dispersions, whose fold changes are too small where counts are
    /// few. "deseq2" (1.38), where the test is wald, is its analysis of each comparison's cells as if they were samples.</summary>
    /// <param name="program">Its name.</param>
    /// <exception cref="CoExprException">There is no such set, or it has no such test.</exception>
    public DifferentialExpressionOptions Like(string program)
    {
        if (program == "crispyx" && Test is "wald" or "crispyx-wald")
        {
            if (Covariates.Count > 0)
                throw CoExprException.BadOption(
                    "--covariates",
                    string.Join(",", Covariates),
                    "they have no meaning for CRISPYx's test of counts"
                );
            return this with
            {
                Test = "crispyx-wald",
                SizeFactors = SizeFactorKindModule.name(CrispyxScreen.defaults.SizeFactors),
            };
        }
        if (program == "deseq2" && Test is "wald" or Deseq2Wald)
        {
            if (Covariates.Count > 0)
                throw CoExprException.BadOption(
                    "--covariates",
                    string.Join(",", Covariates),
                    "they have no meaning for DESeq2's analysis of two groups; coexpr bulk takes any design"
                );
            return this with { Test = Deseq2Wald };
        }
        if (Test is not ("rank-sum" or "welch"))
            throw CoExprException.BadOption(
                "--compat",
                program,
                program == "deseq2"
                    ? $"it is of wald, and the test is {Test}"
                    : $"it is of rank-sum and welch, of crispyx also of wald, and the test is {Test}"
            );
        var alike = this with { Exact = false, ConstantGroups = true };
        return program switch
        {
            "scanpy" => alike with
            {
                Continuity = false,
                TieCorrection = false,
                FoldChange = "geometric",
                CountUntestable = true,
            },
            "crispyx" => alike with
            {
                Continuity = false,
                UnitWeights = true,
                FoldChange = Test == "welch" ? "arithmetic" : "geometric",
            },
            "pdex" => alike with { FoldChange = "geometric", CountUntestable = true, PdexColumns = true },
            _ => throw CoExprException.BadOption("--compat", program, "must be scanpy or crispyx or pdex or deseq2"),
        };
    }

    const string Deseq2Wald = "deseq2-wald";

    internal DifferentialOptions ToCore()
    {
        ArgumentNullException.ThrowIfNull(Perturbation);
        ArgumentNullException.ThrowIfNull(Covariates);
        ArgumentNullException.ThrowIfNull(Contrasts);
        return new(
            ListModule.OfSeq(Perturbation),
            Optional(Control),
            ListModule.OfSeq(Contrasts.Select(contrast => contrast.ToCore())),
            Optional(Batch),
            CoExprException.Unwrap(DifferentialTestModule.parse(ListModule.OfSeq(Tests()), Test)),
            CoExprException.Unwrap(TestedValuesModule.parse(Target, Values)),
            CoExprException.Unwrap(TwoSampleAlternativeModule.parse(Alternative)),
            CoExprException.Unwrap(FoldChangeModule.parse(FoldChange)),
            Pseudocount,
            AdjustOverAll ? Adjustment.OverAll : Adjustment.PerPerturbation,
            CountUntestable,
            // DESeq2's analysis filters in any case, at this level.
            IndependentFiltering is { } level
            && Test != Deseq2Wald
                ? FSharpOption<double>.Some(level)
                : null,
            MinimumCells,
            LeaveOutEmptyCells,
            Calibration(),
            Threads
        );
    }

    internal DifferentialOutput ToOutput() =>
        new(PdexColumns ? DifferentialColumns.Pdex : DifferentialColumns.Standard, RankGenesGroups);

    FSharpOption<FakePerturbations>? Calibration()
    {
        if (GuideColumn is not null)
            return FakePerturbations.NewGuides(
                GuideColumn,
                CalibrationSplits == 0 ? null : FSharpOption<int>.Some(CalibrationSplits)
            );
        return CalibrationSplits == 0
            ? null
            : FSharpOption<FakePerturbations>.Some(FakePerturbations.NewSplits(CalibrationSplits, Seed));
    }

    DifferentialTest[] Tests() =>
        [
            .. new[]
            {
                NegativeBinomialTest.LikelihoodRatio,
                NegativeBinomialTest.Wald,
                NegativeBinomialTest.Score,
                NegativeBinomialTest.QuasiLikelihood,
            }.Select(test => DifferentialTest.NewNegativeBinomial(OfCounts(test))),
            DifferentialTest.NewCrispyx(new(SizeFactorsOf(), LeastMean, Shrink)),
            DifferentialTest.NewDeseq2(new(IndependentFiltering ?? Deseq2Screen.defaults.Alpha)),
            DifferentialTest.NewRankSum(
                new(Continuity, TieCorrection, Exact, UnitWeights ? StratumWeight.Unit : StratumWeight.LocallyBest)
            ),
            DifferentialTest.NewWelch(new(OverestimateVariance, ConstantGroups)),
        ];

    NegativeBinomialOptions OfCounts(NegativeBinomialTest test)
    {
        var standard = NegativeBinomialScreen.defaults;
        return new(
            SizeFactorsOf(),
            DispersionsOf(),
            test,
            Within
                ? FoldHypothesis.NewWithin(Threshold)
                : FoldHypothesis.NewBeyond(TwoSampleAlternative.TwoSided, Threshold),
            LowExpressionFilter ? FSharpOption<LowExpression>.Some(LowExpressionModule.standard) : null,
            standard.Adjustment,
            standard.CountUntestable,
            Shrink ? CoExprException.Unwrap(FoldShrinkageModule.parse(ShrinkBy)) : FoldShrinkage.Nothing,
            standard.MinimumCells,
            new CovariateOptions(ListModule.OfSeq(Covariates), [], []),
            CoExprException.Unwrap(CountOutliersModule.parse(Cooks)),
            CoExprException.Unwrap(EstimationScopeModule.parse(Scope)),
            standard.Threads
        );
    }

    SizeFactorKind SizeFactorsOf() =>
        SizeFactorColumn is null
            ? CoExprException.Unwrap(SizeFactorKindModule.parse(SizeFactors))
            : SizeFactorKind.NewColumn(SizeFactorColumn);

    DispersionSource DispersionsOf()
    {
        if (Dispersions is not null)
            return DispersionSource.NewGiven([.. Dispersions]);
        var standard = GeneDispersionsModule.standard;
        var options = new GeneDispersionOptions(
            standard.CoxReid,
            CoExprException.Unwrap(ScreenTrendModule.parse(DispersionTrend)),
            CoExprException.Unwrap(ScreenShrinkageModule.parse(DispersionShrinkage)),
            standard.OutlierDeviations
        );
        return DispersionsEachComparison
            ? DispersionSource.NewEachComparison(options)
            : DispersionSource.NewScreen(options);
    }

    static FSharpOption<string>? Optional(string? text) => text is null ? null : FSharpOption<string>.Some(text);
}
