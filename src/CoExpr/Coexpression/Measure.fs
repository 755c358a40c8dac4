namespace CoExpr

open System
open CoExpr.Kernels

/// What mutual information is divided by to lie from 0 to 1 (Vinh, Epps and Bailey 2010).
[<RequireQualifiedAccess>]
type NormalizedBy =
    /// The lower of the two genes' entropies: 1 where one gene determines the other.
    | Minimum
    /// The mean of the two entropies.
    | Mean
    /// The entropy of the two together: 1 only where each gene determines the other.
    | Joint

/// How entropies are estimated from a histogram of few cells.
[<RequireQualifiedAccess>]
type Estimator =
    /// The observed frequencies as they are. Biased upwards: independent genes score above 0.
    | PlugIn
    /// Each entropy plus (K − 1) / 2M nats, K being its occupied bins (Miller 1955). May come out below 0.
    | MillerMadow
    /// Frequencies drawn towards equal ones by James and Stein's rule (Hausser and Strimmer 2009).
    | Shrinkage

/// What is said of a pair of genes.
[<RequireQualifiedAccess>]
type Measure =
    /// Of the binned genes, in bits.
    | MutualInformation
    /// The same over an entropy, from 0 to 1; 0 where that entropy is 0.
    | NormalizedInformation of NormalizedBy
    /// Linear correlation of the values over all cells; 0 where a gene is constant, so that it is undefined.
    | Pearson
    /// Pearson correlation of the mid-ranks over all cells; 0 where a gene is constant.
    | Spearman
    /// Σxy / (|x| |y|) of the values; 0 for a gene that is 0 everywhere.
    | Cosine
    /// The share of cells that express both genes among those that express either; 0 where none does.
    | Jaccard
    /// Any function of the joint histogram of the two genes, by the convention asked for; slow. It must give a finite
    /// number, and the same for a histogram and its transpose, for which gene of a pair comes first is not said.
    | Custom of name: string * score: Func<JointHistogram, float>

[<RequireQualifiedAccess>]
module Measure =

    /// A measure of one's own, under the name that it has in outputs.
    let custom name (score: JointHistogram -> float) =
        Measure.Custom(name, Func<JointHistogram, float> score)

    /// Its name in outputs: the column of a table, the entry of varp.
    let name measure =
        match measure with
        | Measure.MutualInformation -> "mi"
        | Measure.NormalizedInformation NormalizedBy.Minimum -> "nmi_min"
        | Measure.NormalizedInformation NormalizedBy.Mean -> "nmi_mean"
        | Measure.NormalizedInformation NormalizedBy.Joint -> "nmi_joint"
        | Measure.Pearson -> "pearson"
        | Measure.Spearman -> "spearman"
        | Measure.Cosine -> "cosine"
        | Measure.Jaccard -> "jaccard"
        | Measure.Custom(name, _) -> name

    /// Its name in the middle of a sentence.
    let title measure =
        match measure with
        | Measure.MutualInformation -> "mutual information"
        | Measure.NormalizedInformation NormalizedBy.Minimum -> "mutual information over the lower entropy"
        | Measure.NormalizedInformation NormalizedBy.Mean -> "mutual information over the mean entropy"
        | Measure.NormalizedInformation NormalizedBy.Joint -> "mutual information over the joint entropy"
        | Measure.Pearson -> "Pearson correlation"
        | Measure.Spearman -> "Spearman correlation"
        | Measure.Cosine -> "cosine similarity"
        | Measure.Jaccard -> "Jaccard index"
        | Measure.Custom(name, _) -> name

    /// "bits", or nothing for a plain number.
    let unitName measure =
        match measure with
        | Measure.MutualInformation -> "bits"
        | _ -> ""

    /// Whether it is mutual information, normalised or not: what an estimator, a sign and a G-test apply to.
    let isInformation measure =
        match measure with
        | Measure.MutualInformation
        | Measure.NormalizedInformation _ -> true
        | _ -> false

    /// Whether scores below 0 have a meaning of their own.
    let isSigned signed measure =
        match measure with
        | Measure.Pearson
        | Measure.Spearman
        | Measure.Cosine
        | Measure.Custom _ -> true
        | _ -> signed && isInformation measure

    /// Whether a pair's score depends on which cells its joint histogram is made from.
    let hasConvention measure =
        match measure with
        | Measure.Custom _ -> true
        | _ -> isInformation measure

    /// What a kernel must say of every pair.
    let parts signed estimator measure =
        let signs = if signed then PairParts.Signs else enum 0

        match measure with
        | Measure.MutualInformation
        | Measure.NormalizedInformation _ ->
            let occupied =
                if estimator = Estimator.MillerMadow then
                    PairParts.Occupied
                else
                    enum 0

            PairParts.Information ||| signs ||| occupied
        | Measure.Jaccard -> PairParts.Information
        | Measure.Pearson
        | Measure.Spearman
        | Measure.Cosine
        | Measure.Custom _ -> PairParts.Products

    /// Those that need no function, by their names on the command line.
    let named = [
        "mi", Measure.MutualInformation
        "nmi-min", Measure.NormalizedInformation NormalizedBy.Minimum
        "nmi-mean", Measure.NormalizedInformation NormalizedBy.Mean
        "nmi-joint", Measure.NormalizedInformation NormalizedBy.Joint
        "pearson", Measure.Pearson
        "spearman", Measure.Spearman
        "cosine", Measure.Cosine
        "jaccard", Measure.Jaccard
    ]

    let private find option known (name: string) =
        match known |> List.tryFind (fst >> (=) name) with
        | Some(_, value) -> Ok value
        | None -> Error(CoExprError.UnknownLabel(option, name, List.map fst known))

    /// A measure by its name on the command line.
    let parse name : Result<Measure, CoExprError> = find "--measure" named name

    let internal estimators = [
        "plugin", Estimator.PlugIn
        "miller-madow", Estimator.MillerMadow
        "shrink", Estimator.Shrinkage
    ]

    /// An estimator by its name on the command line.
    let parseEstimator name : Result<Estimator, CoExprError> = find "--estimator" estimators name

    let private nameIn known value =
        known |> List.find (snd >> (=) value) |> fst

    /// An estimator's name on the command line.
    let estimatorName (estimator: Estimator) = nameIn estimators estimator

    /// A measure's name on the command line; a function's own.
    let optionName (measure: Measure) =
        match measure with
        | Measure.Custom(name, _) -> name
        | known -> nameIn named known
