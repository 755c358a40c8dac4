namespace CoExpr

open System
open CoExpr.Kernels

/// What measures beside cell-eval's own need to know.
type FurtherOptions = {
    /// Cells of a population that distances between populations take at most; more are drawn from.
    MostCells: int
    /// Seed of that draw, and of the order in which communities are searched.
    Seed: uint64
}

/// Columns and what is to be said of them.
type FurtherColumns = {
    Columns: MetricColumn list
    Warnings: string list
}

/// The measures beside those that cell-eval takes together, by name; what is not asked for is not computed.
[<RequireQualifiedAccess>]
module FurtherMeasures =

    let defaults = { MostCells = 500; Seed = 0UL }

    let private none = { Columns = []; Warnings = [] }

    let private joined (parts: FurtherColumns list) = {
        Columns = parts |> List.collect (fun part -> part.Columns)
        Warnings = parts |> List.collect (fun part -> part.Warnings)
    }

    let private plain columns = { Columns = columns; Warnings = [] }

    /// Work for names of which one at least is asked for.
    let private forAny (wanted: string -> bool) names work =
        if List.exists wanted names then work () else none

    let private eachRow (profiles: PerturbationProfiles) (predicted: float[]) (real: float[]) name measure =
        let genes = profiles.Genes.Length

        profiles.Own
        |> Array.mapi (fun row truth ->
            measure (Array.sub predicted (row * genes) genes) (Array.sub real (truth * genes) genes))
        |> MetricColumn.full name

    let private clustering threads options (profiles: PerturbationProfiles) =
        let genes, count = profiles.Genes.Length, profiles.Own.Length

        let real =
            profiles.Own
            |> Array.collect (fun truth -> Array.sub profiles.Real (truth * genes) genes)

        let found =
            ClusteringAgreement.compute
                threads
                PartitionMeasure.AdjustedInformation
                options.Seed
                genes
                real
                profiles.Predicted

        let cause =
            if count < ClusteringAgreement.LeastPerturbations then
                $"it needs {ClusteringAgreement.LeastPerturbations} perturbations or more, of which there are {count}"
            else
                let side =
                    if Array.forall Double.IsFinite real then
                        "predicted"
                    else
                        "real"

                $"it needs finite values, and a {side} profile holds others"

        match found with
        | Some found -> plain [ MetricColumn.scalar "clustering_agreement" count found.Score ]
        | None -> {
            Columns = [ MetricColumn.partial "clustering_agreement" (Array.create count None) ]
            Warnings = [ $"clustering_agreement is not defined: {cause}." ]
          }

    let private discriminations threads wanted options (profiles: PerturbationProfiles) predicted real =
        plain [
            for distance in EffectDistance.all do
                let name = $"discrimination_score_{distance.Name}"

                if wanted name then
                    let found =
                        DiscriminationBy.compute
                            threads
                            options
                            distance
                            profiles.Genes
                            profiles.Perturbations
                            profiles.Own
                            predicted
                            real

                    MetricColumn.full name found.Scores
        ]

    /// Genes of the top that systema looks at.
    [<Literal>]
    let private Top = 20

    let private referenced threads source (profiles: PerturbationProfiles) predicted real =
        let genes = profiles.Genes.Length
        let reference = ReferencedEffects.reference profiles
        let common = ReferencedEffects.commonDirections genes real
        let control = Effects.controlOf source profiles

        plain [
            MetricColumn.full "systema_centroid_accuracy" (ReferencedEffects.centroidAccuracies threads profiles)
            MetricColumn.full "systema_pearson_reference" (ReferencedEffects.pearsons reference profiles)
            MetricColumn.full
                "systema_pearson_reference_top20"
                (ReferencedEffects.topPearsons Top reference reference profiles)
            MetricColumn.full
                "systema_pearson_delta_top20"
                (ReferencedEffects.topPearsons Top control profiles.RealControl profiles)
            MetricColumn.full "systema_common_direction_real" (profiles.Own |> Array.map (fun truth -> common[truth]))
            MetricColumn.full "systema_common_direction_pred" (ReferencedEffects.commonDirections genes predicted)
        ]

    let private retrieval threads source (profiles: PerturbationProfiles) =
        let genes, own = profiles.Genes, profiles.Own

        let ofProfiles =
            Retrieval.compute threads genes own profiles.Predicted profiles.Real

        let predicted =
            Retrieval.logFoldChanges (Effects.controlOf source profiles) profiles.Predicted

        let real = Retrieval.logFoldChanges profiles.RealControl profiles.Real
        let ofChanges = Retrieval.compute threads genes own predicted real

        plain [
            MetricColumn.full "perturbench_rank_rmse" ofProfiles[DistanceKind.L2]
            MetricColumn.full "perturbench_rank_mae" ofProfiles[DistanceKind.L1]
            MetricColumn.full "perturbench_rank_cosine_logfc" ofChanges[DistanceKind.Cosine]
            MetricColumn.full
                "perturbench_rank_pearson_logfc"
                (Retrieval.by threads EffectDistance.correlation genes own predicted real)
            eachRow profiles predicted real "perturbench_cosine_logfc" ProfileDistances.cosine
            eachRow profiles profiles.Predicted profiles.Real "perturbench_rmse" ProfileDistances.rootMeanSquare
        ]

    let private betweenMeans (profiles: PerturbationProfiles) =
        let column = eachRow profiles profiles.Predicted profiles.Real

        plain [
            column "distance_euclidean" ProfileDistances.euclidean
            column "distance_pearson" (fun x y -> 1.0 - ProfileErrors.pearson x y)
            column "distance_spearman" (fun x y -> 1.0 - ProfileErrors.spearman x y)
            column "distance_cosine" (fun x y -> 1.0 - ProfileDistances.cosine x y)
            column "distance_kendall" ProfileDistances.kendallDistance
            column "distance_r2" (fun x y -> 1.0 - ProfileDistances.determination x y)
        ]

    let private geneDistances: (string * (PerturbedPopulation -> PerturbedPopulation -> float)) list = [
        "distance_sym_kl", GeneDistances.symmetricDivergence
        "distance_t", GeneDistances.welch
        "distance_ks", GeneDistances.kolmogorovSmirnov
    ]

    /// γ of the Gaussian kernel (pertpy's).
    [<Literal>]
    let private Gamma = 1.0

    let private pairDistances: (string * (CellPairs -> float)) list = [
        "distance_energy", CellDistances.energy
        "distance_mean_pairwise", CellDistances.meanPairwise
        "distance_mmd_linear", CellDistances.linearDiscrepancy
        "distance_mmd_rbf", CellDistances.gaussianDiscrepancy Gamma
        "distance_mmd_poly", CellDistances.quadraticDiscrepancy
    ]

    let private transport = "distance_wasserstein"
    let private mahalanobis = "distance_mahalanobis"
    let private countLikelihood = "distance_nb_ll"

    let private populationNames =
        List.map fst geneDistances
        @ List.map fst pairDistances
        @ [ transport; mahalanobis; countLikelihood ]

    /// The distances of one perturbation's populations, by the places of their names; None where one is not defined. `counts`
    /// are both populations' on the scale of counts. Says whether the transport was given up.
    let private populationRow
        (names: string list)
        (counts: Lazy<PerturbedPopulation * PerturbedPopulation>)
        (predicted: PerturbedPopulation)
        (real: PerturbedPopulation)
        =
        let pairs = lazy (CellDistances.pairs predicted real)
        let mutable givenUp = false

        let value name =
            if not (PerturbedPopulation.isFinite predicted) then
                Some nan
            elif name = mahalanobis then
                Mahalanobis.distance real predicted
            elif name = countLikelihood then
                counts.Value ||> CountLikelihood.distance
            elif name = transport then
                let found = Sinkhorn.ofPairs pairs.Value
                givenUp <- not found.HasConverged
                Some found.Cost
            else
                match List.tryFind (fst >> (=) name) geneDistances with
                | Some(_, measure) -> Some(measure predicted real)
                | None -> Some((pairDistances |> List.find (fst >> (=) name) |> snd) pairs.Value)

        struct (names |> List.map value |> List.toArray, givenUp)

    let private groupOf (side: PerturbationSide) label =
        Groups.members (Array.BinarySearch(side.Groups.Labels, label, StringComparer.Ordinal)) side.Groups

    let private populations threads wanted (options: FurtherOptions) (sides: PerturbationSides) =
        let names = populationNames |> List.filter wanted

        let labels =
            sides.Profiles.Own
            |> Array.map (fun truth -> sides.Profiles.Perturbations[truth])

        let rows = Array.zeroCreate<struct (float option[] * bool)> labels.Length

        let draw side item label =
            groupOf side label
            |> PerturbedPopulation.draw options.Seed item options.MostCells

        Schedule.blocks threads labels.Length ignore (fun () row ->
            let ofPrediction = draw sides.Predicted (2 * row) labels[row]
            let ofReal = draw sides.Real (2 * row + 1) labels[row]

            let both values =
                PerturbedPopulation.ofCells (values sides.Predicted) ofPrediction,
                PerturbedPopulation.ofCells (values sides.Real) ofReal

            let counts = lazy (both (fun (side: PerturbationSide) -> side.Amounts))

            rows[row] <-
                both (fun (side: PerturbationSide) -> side.Values)
                ||> populationRow names counts)

        let isLarge side label =
            (groupOf side label).Length > options.MostCells

        let drawn =
            labels
            |> Array.filter (fun label -> isLarge sides.Real label || isLarge sides.Predicted label)

        let givenUp = rows |> Array.filter (fun (struct (_, givenUp)) -> givenUp)

        {
            Columns =
                names
                |> List.mapi (fun at name ->
                    MetricColumn.partial name (rows |> Array.map (fun (struct (values, _)) -> values[at])))
            Warnings = [
                if drawn.Length > 0 then
                    $"Distances between populations are of {options.MostCells} drawn cells where there are more, for {drawn.Length} of {labels.Length} perturbations."
                if givenUp.Length > 0 then
                    $"{transport}: the transport of {givenUp.Length} of {labels.Length} perturbations has not settled; their values are those of the last step."
            ]
        }

    let private challengeDiscrimination = {
        Discrimination.defaults with
            Ties = TiePolicy.MidRank
            Exclusion = TargetExclusion.Panel
            Denominator = RankDenominator.Others
    }

    let private noiseCorrected = "expr_mse_unbiased_capped_norm"

    let private noiseWarnings (error: NoiseCorrected) =
        if error.IsDefined then
            []
        elif error.Perturbations = 0 then
            [
                $"{noiseCorrected} is 1 whatever is predicted: it needs the noise of real effects, and so two cells of a perturbation and of the control."
            ]
        else
            [
                $"{noiseCorrected} is 1 whatever is predicted: the real effects of {error.WithinNoise} of {error.Perturbations} perturbations lie within the noise of their cells, and so do all together."
            ]

    /// Effects of comparators from the real control, whichever side they are of.
    let private comparatorEffects control (real: Comparators) (side: Comparators) =
        let from = Comparators.row real real.Profiles (Comparators.indexOf real control)

        side.Labels
        |> Array.indexed
        |> Array.filter (fun (_, label) -> label <> control)
        |> Array.collect (fun (group, _) -> Array.map2 (-) (Comparators.row side side.Profiles group) from)

    let private challenge threads targetOf (sides: PerturbationSides) =
        let control = sides.Real.Groups.Labels[Option.get sides.Real.Groups.Control]
        let profiles = sides.Profiles

        let of' (side: PerturbationSide) =
            Comparators.compute threads side.Groups side.Amounts

        let real, predicted = of' sides.Real, of' sides.Predicted

        let options = {
            challengeDiscrimination with
                TargetOf = targetOf
        }

        let scores =
            Discrimination.compute
                threads
                options
                profiles.Genes
                profiles.Perturbations
                profiles.Own
                (comparatorEffects control real predicted)
                (comparatorEffects control real real)

        let struct (_, own) =
            Discrimination.leftOut
                {
                    options with
                        Exclusion = TargetExclusion.Row
                }
                profiles.Genes
                profiles.Perturbations
                profiles.Own

        // What cannot be ranked is last.
        let worst value =
            if Double.IsNaN value then 0.0 else value

        let error = NoiseCorrectedError.compute control own predicted real

        {
            Columns = [
                MetricColumn.full "pds_cosine" (scores[int DistanceKind.Cosine].Scores |> Array.map worst)
                MetricColumn.scalar noiseCorrected profiles.Own.Length error.Value
            ]
            Warnings = noiseWarnings error
        }

    let private startsWith (prefix: string) names =
        names
        |> List.filter (fun (name: string) -> name.StartsWith(prefix, StringComparison.Ordinal))

    /// The measures of cells that are asked for by name.
    let ofCells threads options source discrimination (chosen: MetricEntry list) (sides: PerturbationSides) =
        let names = chosen |> List.map (fun entry -> entry.Name)
        let wanted name = List.contains name names
        let profiles = sides.Profiles

        let predicted, real = Effects.predicted source profiles, Effects.real profiles

        joined [
            forAny wanted [ "clustering_agreement" ] (fun () -> clustering threads options profiles)
            discriminations threads wanted discrimination profiles predicted real
            forAny wanted (startsWith "systema_" names) (fun () -> referenced threads source profiles predicted real)
            forAny wanted (startsWith "perturbench_" names) (fun () -> retrieval threads source profiles)
            forAny wanted (startsWith "distance_" names |> List.except populationNames) (fun () ->
                betweenMeans profiles)
            forAny wanted populationNames (fun () -> populations threads wanted options sides)
            forAny wanted [ "pds_cosine"; noiseCorrected ] (fun () -> challenge threads discrimination.TargetOf sides)
        ]

    /// The measures of cell-eval2 of two tables, one per perturbation of the real one.
    let ofTables threads threshold targetOf (real: DeTable) (predicted: DeTable) : MetricColumn list =
        let scores = SignificanceScores.compute threads threshold targetOf real predicted

        let each name (measure: SignificanceScore -> float) =
            MetricColumn.full name (Array.map measure scores)

        [
            each "direction_fidelity_yield_raw" (fun score -> score.FidelityYield)
            each "direction_reach_raw" (fun score -> score.Reach)
            each "sig_jaccard" (fun score -> score.Jaccard)
            MetricColumn.partial "lfc_nmae" (scores |> Array.map (fun score -> score.FoldChangeError))
            each "sig_informedness" (fun score -> score.Informedness)
            each "sig_markedness" (fun score -> score.Markedness)
            each "sig_mcc" (fun score -> score.Correlation)
        ]
