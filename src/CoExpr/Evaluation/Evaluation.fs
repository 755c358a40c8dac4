namespace CoExpr

open System
open System.Diagnostics
open CoExpr.Kernels

/// What is evaluated, and how.
type EvaluationOptions = {
    Sides: SideOptions
    Profile: EvaluationProfile
    /// Names of measures to leave out.
    Skipped: string list
    ControlSource: ControlSource
    Discrimination: DiscriminationOptions
    De: DeAgreementOptions
    Further: FurtherOptions
}

/// The measures of a prediction.
type EvaluationResult = {
    /// In ordinal order; the rows of every column.
    Perturbations: string[]
    Columns: MetricColumn[]
    Cells: struct (int * int)
    Genes: int
    /// What was done that a reader should know.
    Notes: string list
    /// What a reader should know before trusting a score.
    Warnings: string list
    /// By group of measures, in order.
    Seconds: (string * float) list
}

/// Every measure of a prediction, from cells and from tables of differential expression.
[<RequireQualifiedAccess>]
module Evaluation =

    let defaults = {
        Sides = {
            Column = "target_gene"
            Control = "non-targeting"
            Values = ScaleChoice.Detect
            Partial = false
            Threads = Schedule.defaultThreads
        }
        Profile = EvaluationProfile.Full
        Skipped = []
        ControlSource = ControlSource.Predicted
        Discrimination = Discrimination.defaults
        De = DeAgreement.defaults
        Further = FurtherMeasures.defaults
    }

    let private timed name (seconds: ResizeArray<string * float>) work =
        let watch = Stopwatch.StartNew()
        let value = work ()
        seconds.Add((name, watch.Elapsed.TotalSeconds))
        value

    /// The measures of two tables, one per perturbation of the real one.
    let ofTables (comparisons: DeComparison[]) : MetricColumn list =
        let each name (measure: DeComparison -> float) =
            MetricColumn.full name (comparisons |> Array.map measure)

        let some name (measure: DeComparison -> float option) =
            MetricColumn.partial name (comparisons |> Array.map measure)

        [
            each "overlap_at_N" (DeAgreement.overlap Int32.MaxValue)
            for k in MetricRegistry.depths do
                each $"overlap_at_{k}" (DeAgreement.overlap k)
            each "precision_at_N" (DeAgreement.precision Int32.MaxValue)
            for k in MetricRegistry.depths do
                each $"precision_at_{k}" (DeAgreement.precision k)
            MetricColumn.scalar "de_spearman_sig" comparisons.Length (DeAgreement.countCorrelation comparisons)
            some "de_direction_match" (fun comparison -> comparison.Direction)
            some "de_spearman_lfc_sig" (fun comparison -> comparison.FoldChanges)
            some "de_sig_genes_recall" DeAgreement.recall
            each "de_nsig_counts_real" (fun comparison -> float comparison.RealSignificant)
            each "de_nsig_counts_pred" (fun comparison -> float comparison.PredictedSignificant)
            each "pr_auc" (fun comparison -> comparison.PrecisionRecall)
            each "roc_auc" (fun comparison -> comparison.Receiver)
        ]

    let private distanceName kind =
        match kind with
        | DistanceKind.L1 -> "discrimination_score_l1"
        | DistanceKind.L2 -> "discrimination_score_l2"
        | _ -> "discrimination_score_cosine"

    /// The measures of mean profiles and of effects, one per prediction.
    let ofProfiles source (profiles: PerturbationProfiles) : MetricColumn list =
        let genes = profiles.Genes.Length
        let predicted, real = Effects.predicted source profiles, Effects.real profiles
        let own = profiles.Own

        [
            MetricColumn.full "pearson_delta" (ProfileErrors.pearsons own genes predicted real)
            MetricColumn.full "mse" (ProfileErrors.meanSquares own genes profiles.Predicted profiles.Real)
            MetricColumn.full "mae" (ProfileErrors.meanAbsolutes own genes profiles.Predicted profiles.Real)
            MetricColumn.full "mse_delta" (ProfileErrors.meanSquares own genes predicted real)
            MetricColumn.full "mae_delta" (ProfileErrors.meanAbsolutes own genes predicted real)
        ]

    /// Pearson's correlation of the E-distances of predicted perturbations with those of the real ones.
    let energyCorrelation threads (sides: PerturbationSides) =
        let real = EnergyDistance.compute threads sides.Real.Groups sides.Real.Values

        let predicted =
            EnergyDistance.compute threads sides.Predicted.Groups sides.Predicted.Values

        let ofReal = sides.Profiles.Own |> Array.map (fun truth -> real[truth])
        ProfileErrors.pearson ofReal predicted

    let private discrimination options (profiles: PerturbationProfiles) predicted real =
        Discrimination.compute
            options.Sides.Threads
            options.Discrimination
            profiles.Genes
            profiles.Perturbations
            profiles.Own
            predicted
            real

    /// Spreads a column over perturbations by name; those that it lacks are absent.
    let private onto (perturbations: string[]) (names: string[]) (column: MetricColumn) =
        if names = perturbations then
            column
        else
            let rows = names |> Array.mapi (fun row name -> name, row) |> Map.ofArray

            {
                column with
                    Values =
                        perturbations
                        |> Array.map (fun name ->
                            match Map.tryFind name rows with
                            | Some row -> column.Values[row]
                            | None -> nan)
                    IsAbsent =
                        perturbations
                        |> Array.map (fun name ->
                            match Map.tryFind name rows with
                            | Some row -> column.IsAbsent[row]
                            | None -> true)
            }

    let private requireSameTargets options (real: DeTable) (predicted: DeTable) =
        let missing (from: string[]) (within: string[]) =
            Array.except within from |> Array.toList

        let onlyReal = missing real.Targets predicted.Targets
        let onlyPredicted = missing predicted.Targets real.Targets

        if onlyPredicted.IsEmpty && (onlyReal.IsEmpty || options.Sides.Partial) then
            Ok()
        else
            Error(
                CoExprError.DifferentNames(
                    "The perturbations of the tables",
                    real.Source,
                    onlyReal,
                    predicted.Source,
                    onlyPredicted,
                    "Both tables must have the same perturbations; say --partial where a prediction leaves some out."
                )
            )

    let private wants (chosen: MetricEntry list) (names: string list) =
        chosen |> List.exists (fun entry -> List.contains entry.Name names)

    let private isOfCellEval (entry: MetricEntry) =
        List.contains EvaluationProfile.Full entry.Profiles

    let private cellColumns options chosen seconds (sides: PerturbationSides) =
        let profiles = sides.Profiles

        let predicted, real =
            Effects.predicted options.ControlSource profiles, Effects.real profiles

        let columns =
            timed "profiles" seconds (fun () -> ofProfiles options.ControlSource profiles)

        let scores =
            timed "discrimination" seconds (fun () -> discrimination options profiles predicted real)

        let energy =
            if wants chosen [ "pearson_edistance" ] then
                let value =
                    timed "E-distance" seconds (fun () -> energyCorrelation options.Sides.Threads sides)

                [ MetricColumn.scalar "pearson_edistance" profiles.Own.Length value ]
            else
                []

        let ranks =
            scores
            |> Array.map (fun score -> MetricColumn.full (distanceName score.Kind) score.Scores)
            |> Array.toList

        let warnings =
            PredictionWarnings.find profiles.Genes.Length profiles.Own predicted real scores

        let further =
            timed "further measures" seconds (fun () ->
                FurtherMeasures.ofCells
                    options.Sides.Threads
                    options.Further
                    options.ControlSource
                    options.Discrimination
                    chosen
                    sides)

        columns @ ranks @ energy @ further.Columns, warnings @ further.Warnings

    let private furtherOfTables options chosen real predicted =
        if
            chosen
            |> List.exists (fun entry -> entry.FromTables && not (isOfCellEval entry))
        then
            FurtherMeasures.ofTables
                options.Sides.Threads
                options.De.Threshold
                options.Discrimination.TargetOf
                real
                predicted
        else
            []

    let private tableColumns options chosen seconds tables =
        match tables with
        | None -> Ok None
        | Some(real, predicted) ->
            requireSameTargets options real predicted
            |> Result.map (fun () ->
                timed "tables" seconds (fun () ->
                    let compared = DeAgreement.compare options.Sides.Threads options.De real predicted
                    Some(real.Targets, ofTables compared @ furtherOfTables options chosen real predicted)))

    let private missingTables (chosen: MetricEntry list) tables =
        let lacking = chosen |> List.filter (fun entry -> entry.FromTables) |> List.length

        if Option.isNone tables && lacking > 0 then
            [
                $"{lacking} measures of differential expression are left out: they need both tables, --real-de and --predicted-de."
            ]
        else
            []

    /// The measures of a profile. Cells give those of profiles and effects, tables those of differential expression; what is
    /// not given is left out, with a note. Errors are those of `PerturbationSides.create` and of tables of other perturbations.
    let run options cells tables : Result<EvaluationResult, CoExprError> =
        let seconds = ResizeArray<string * float>()

        result {
            let! chosen = MetricRegistry.chosen options.Profile options.Skipped
            let wantsCells = chosen |> List.exists (fun entry -> not entry.FromTables)
            let wantsTables = chosen |> List.exists (fun entry -> entry.FromTables)

            let! sides =
                match cells with
                | Some(real, predicted) when wantsCells ->
                    timed "means" seconds (fun () -> PerturbationSides.create options.Sides real predicted)
                    |> Result.map Some
                | _ -> Ok None

            let! ofTables =
                tableColumns options chosen seconds (if wantsTables then tables else None)

            let ofCells, warnings =
                match sides with
                | Some sides -> cellColumns options chosen seconds sides
                | None -> [], []

            let predictedNames =
                match sides with
                | Some sides ->
                    sides.Profiles.Own
                    |> Array.map (fun truth -> sides.Profiles.Perturbations[truth])
                | None -> [||]

            let tableNames = ofTables |> Option.map fst |> Option.defaultValue [||]

            let perturbations =
                Array.append predictedNames tableNames
                |> Array.distinct
                |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

            let all =
                (ofTables
                 |> Option.map snd
                 |> Option.defaultValue []
                 |> List.map (onto perturbations tableNames))
                @ (ofCells |> List.map (onto perturbations predictedNames))

            let columns =
                chosen
                |> List.choose (fun entry -> all |> List.tryFind (fun column -> column.Name = entry.Name))

            return {
                Perturbations = perturbations
                Columns = List.toArray columns
                Cells =
                    match sides with
                    | Some sides -> struct (sides.Real.Values.Cells, sides.Predicted.Values.Cells)
                    | None -> struct (0, 0)
                Genes = sides |> Option.map (fun sides -> sides.Genes.Length) |> Option.defaultValue 0
                Notes =
                    (sides |> Option.map (fun sides -> sides.Notes) |> Option.defaultValue [])
                    @ missingTables chosen tables
                Warnings = warnings
                Seconds = List.ofSeq seconds
            }
        }
