namespace CoExpr

open System

/// What a test looks for.
[<RequireQualifiedAccess>]
type TwoSampleAlternative =
    /// A difference either way.
    | TwoSided
    /// Higher values in the perturbed cells.
    | Greater
    /// Lower values in the perturbed cells.
    | Less

/// Which values are compared.
[<RequireQualifiedAccess>]
type TestedValues =
    /// log(1 + target · count / total of the cell), natural, in single precision; the usual target is 10,000.
    | LogNormalised of target: float
    /// The values as they are.
    | AsStored
    /// The values as they are, which are log(1 + x) of what is to be averaged.
    | StoredLogs

/// Which means a fold change is made of.
[<RequireQualifiedAccess>]
type FoldChange =
    /// Means of the values before the logarithm: mean(exp(x) − 1).
    | Arithmetic
    /// exp(mean(x)) − 1, as scanpy and pdex have it: for a gene with many zeros much lower, and nearer to each other.
    | Geometric

[<RequireQualifiedAccess>]
module TwoSampleAlternative =

    let private known = [
        "two-sided", TwoSampleAlternative.TwoSided
        "greater", TwoSampleAlternative.Greater
        "less", TwoSampleAlternative.Less
    ]

    /// As the command line has it.
    let name alternative = Words.name known alternative

    /// The alternative of a name.
    let parse word = Words.parse "--alternative" known word

[<RequireQualifiedAccess>]
module FoldChange =

    let private known = [ "arithmetic", FoldChange.Arithmetic; "geometric", FoldChange.Geometric ]

    /// As the command line has it.
    let name foldChange = Words.name known foldChange

    /// The kind of a name.
    let parse word = Words.parse "--fold-change" known word

[<RequireQualifiedAccess>]
module TestedValues =

    /// As the command line has it.
    let name values =
        match values with
        | TestedValues.LogNormalised _ -> "log-normalised"
        | TestedValues.AsStored -> "as-is"
        | TestedValues.StoredLogs -> "log1p"

    /// The values of a name; the target is that of normalisation.
    let parse target word =
        let known =
            [
                TestedValues.LogNormalised target
                TestedValues.StoredLogs
                TestedValues.AsStored
            ]
            |> List.map (fun values -> name values, values)

        Words.parse "--values" known word

/// Over which p-values the false discovery rate is kept.
[<RequireQualifiedAccess>]
type Adjustment =
    /// Those of one perturbation.
    | PerPerturbation
    /// All of the run.
    | OverAll

/// What is to be known of a row of results beside its numbers.
type RowStatus =
    /// Nothing.
    | Tested = 0uy
    /// Tested; no perturbed cell has the gene, and its fold change rests on the pseudocount.
    | ZeroInPerturbed = 1uy
    /// Tested; no cell of the reference has the gene, and its fold change rests on the pseudocount.
    | ZeroInReference = 2uy
    /// No cell of either group has the gene: p is 1.
    | AllZero = 3uy
    /// All cells of both groups have one value: p is 1.
    | AllTied = 4uy
    /// A group has fewer cells than are asked for: no p.
    | TooFewCells = 5uy
    /// A group has one value throughout, which the other has not: a t-test has no spread to go by, and there is no p.
    | NoVariance = 6uy
    /// The fit did not converge: no p.
    | NotConverged = 7uy
    /// Expressed too weakly in both groups to be tested: no p.
    | LowExpression = 8uy
    /// Tested; the gene's mean is below the threshold of independent filtering: p stands, and there is no q.
    | BelowFilter = 9uy
    /// Tested; a cell's count moves the fit by more than it should (Cook's distance).
    | OutlyingCount = 10uy

[<RequireQualifiedAccess>]
module RowStatus =
    /// As files have it.
    let text status =
        match status with
        | RowStatus.Tested -> "ok"
        | RowStatus.ZeroInPerturbed -> "zero_in_perturbed"
        | RowStatus.ZeroInReference -> "zero_in_reference"
        | RowStatus.AllZero -> "all_zero"
        | RowStatus.AllTied -> "all_tied"
        | RowStatus.TooFewCells -> "too_few_cells"
        | RowStatus.NoVariance -> "no_variance"
        | RowStatus.NotConverged -> "not_converged"
        | RowStatus.LowExpression -> "low_expression"
        | RowStatus.BelowFilter -> "below_filter"
        | RowStatus.OutlyingCount -> "outlying_count"
        | other -> invalidArg (nameof status) $"{other} is no status"

/// Perturbations x genes, one gene after the other within a perturbation: the row of perturbation p and gene g is at
/// p · genes + g. A method that has no p for a row leaves NaN there, and says why in the row's status.
type ContrastRows = {
    /// What the method measures a change by; 0 is none.
    Effect: float[]
    /// log2((mean + pseudocount) / (reference mean + pseudocount)).
    LogFoldChange: float[]
    /// What p is read from.
    Statistic: float[]
    PValue: float[]
    /// The base-10 logarithm of p, also where that is below the smallest double.
    Log10P: float[]
    /// Benjamini and Hochberg's q.
    QValue: float[]
    /// Of the perturbed cells.
    Mean: float[]
    ReferenceMean: float[]
    /// The share of the perturbed cells with a value other than 0.
    Fraction: float[]
    ReferenceFraction: float[]
    Status: RowStatus[]
    /// What else the method says, by name, of each row.
    Further: (string * float[]) list
} with

    /// A further column by its name. Throws KeyNotFoundException for one that the method does not have.
    member this.Named name =
        this.Further |> List.find (fst >> (=) name) |> snd

[<RequireQualifiedAccess>]
module ContrastRows =

    /// The name among further columns of the standard error of the log2 fold change, of methods that have one.
    [<Literal>]
    let StandardError = "standard_error"

    let private make perturbations genes further (column: int -> float[]) =
        if int64 perturbations * int64 genes > int64 Array.MaxLength then
            invalidArg (nameof genes) $"{perturbations} perturbations x {genes} genes are more than one array holds"

        let length = perturbations * genes

        {
            Effect = column length
            LogFoldChange = column length
            Statistic = column length
            PValue = column length
            Log10P = column length
            QValue = Array.create length nan
            Mean = column length
            ReferenceMean = column length
            Fraction = column length
            ReferenceFraction = column length
            Status = Array.create length RowStatus.Tested
            Further = further |> List.map (fun name -> name, column length)
        }

    /// Rows without numbers yet.
    let create perturbations genes further =
        make perturbations genes further (fun length -> Array.create length nan)

    /// Rows of which everything but q is to be filled in: what is there before that is no number in particular.
    let internal createToFill perturbations genes further =
        make perturbations genes further GC.AllocateUninitializedArray<float>

    /// The columns that tests fill in, the further ones last.
    let internal tested rows = [|
        rows.Effect
        rows.LogFoldChange
        rows.Statistic
        rows.PValue
        rows.Log10P
        rows.Mean
        rows.ReferenceMean
        rows.Fraction
        rows.ReferenceFraction
        yield! rows.Further |> List.map snd
    |]

    /// Puts a row, the genes of one perturbation, to another place. The further columns must be the same.
    let copyRow genes (source: ContrastRows) from (target: ContrastRows) into =
        let copy (values: 'a[]) (places: 'a[]) =
            Array.blit values (from * genes) places (into * genes) genes

        Array.iter2 copy (tested source) (tested target)
        copy source.QValue target.QValue
        copy source.Status target.Status

    /// Whether a row has a p that could have been below 1.
    let isTestable rows place =
        not (Double.IsNaN rows.PValue[place])
        && rows.Status[place] <> RowStatus.AllZero
        && rows.Status[place] <> RowStatus.AllTied

    /// Whether a row takes part in the correction: it has a p and, unless all are to count, could have had one below 1.
    let internal takesPart countUntestable rows place =
        isTestable rows place
        || countUntestable && not (Double.IsNaN rows.PValue[place])

    /// q of these places; 1 for a row that has a p of 1 and takes no part.
    let private adjustPlaces countUntestable (places: int[]) rows =
        let taking, others = places |> Array.partition (takesPart countUntestable rows)

        let adjusted =
            taking
            |> Array.map (fun place -> rows.PValue[place])
            |> BenjaminiHochberg.adjust

        taking |> Array.iteri (fun i place -> rows.QValue[place] <- adjusted[i])

        for place in others do
            rows.QValue[place] <- rows.PValue[place]

    /// Fills in the q-values from the p-values. Rows of which every cell has the same value count as tests only if that is
    /// asked for: whatever the other genes show, their p is 1.
    let adjust threads adjustment countUntestable perturbations genes rows =
        match adjustment with
        | Adjustment.OverAll -> adjustPlaces countUntestable (Array.init rows.PValue.Length id) rows
        | Adjustment.PerPerturbation ->
            Schedule.ranges threads 1 perturbations (fun row _ ->
                adjustPlaces countUntestable (Array.init genes (fun gene -> row * genes + gene)) rows)
