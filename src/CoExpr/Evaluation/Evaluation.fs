namespace CoExpr

open System
open System.Collections.Generic
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
    /// By group of measures that are taken together, in order.
    Costs: StageCost list
    /// What the measures that are one number of all perturbations are made of, where it is known.
    Pooled: PooledMetric list
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

    let private timed name costs work = StageCost.measured name costs work

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

    /// E-distances of predicted perturbations and of the same ones of the real side, of which the real ones may be known.
    let private energies threads (known: Lazy<float[]>) (sides: PerturbationSides) =
        let predicted =
            EnergyDistance.compute threads sides.Predicted.Groups sides.Predicted.Values

        struct (sides.Profiles.Own |> Array.map (fun truth -> known.Value[truth]), predicted)

    /// Pearson's correlation of the E-distances of predicted perturbations with those of the real ones.
    let energyCorrelation threads (sides: PerturbationSides) =
        let known =
            lazy (EnergyDistance.compute threads sides.Real.Groups sides.Real.Values)

        let struct (real, predicted) = energies threads known sides
        ProfileErrors.pearson real predicted

    let private discrimination options (profiles: PerturbationProfiles) predicted real =
        Discrimination.compute
            options.Sides.Threads
            options.Discrimination
            profiles.Genes
            profiles.Perturbations
            profiles.Own
            predicted
            real

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

    /// Tables of other genes, or of other names for them, agree in nothing, and every measure of them would be a number. A
    /// prediction without rows has found nothing.
    let private requireSharedGenes (real: DeTable) (predicted: DeTable) =
        let ofReal = HashSet real.Features

        let source (table: DeTable) =
            match Array.tryHead table.Features with
            | Some gene -> $"{table.Source} ({gene}, ...)"
            | None -> $"{table.Source} (no gene)"

        if
            predicted.Features.Length = 0
            || predicted.Features |> Array.exists ofReal.Contains
        then
            Ok()
        else
            let advice = "Both tables must name genes in the same way."
            let what = $"genes that {source real} and {source predicted} share"
            Error(CoExprError.TooFew(what, 0L, 1L, advice))

    let private requireComparable options real predicted =
        requireSameTargets options real predicted
        |> Result.bind (fun () -> requireSharedGenes real predicted)

    let private wants (chosen: MetricEntry list) (names: string list) =
        chosen |> List.exists (fun entry -> List.contains entry.Name names)

    let private pooledColumn (metric: PooledMetric) =
        let rows = Array.init metric.Real.Length id
        MetricColumn.scalar metric.Name rows.Length (PooledMetric.value rows metric)

    /// Of each prediction how far its cells scatter, over how far the real ones do.
    let private spreadRatios threads (sides: PerturbationSides) =
        let ofSide (side: PerturbationSide) =
            let spread = CellSpread.compute threads side.Groups side.Values side.Bulk

            Array.zip side.Groups.Labels spread |> Map.ofArray

        let real, predicted = ofSide sides.Real, ofSide sides.Predicted

        sides.Profiles.Own
        |> Array.map (fun truth ->
            let name = sides.Profiles.Perturbations[truth]
            predicted[name] / real[name])

    let private isOfCellEval (entry: MetricEntry) =
        List.contains EvaluationProfile.Full entry.Profiles

    let private cellColumns options chosen seconds knownEnergies (sides: PerturbationSides) =
        let profiles = sides.Profiles

        let predicted, real =
            Effects.predicted options.ControlSource profiles, Effects.real profiles

        let columns =
            timed "profiles" seconds (fun () -> ofProfiles options.ControlSource profiles)

        let scores =
            timed "discrimination" seconds (fun () -> discrimination options profiles predicted real)

        let energy =
            if wants chosen [ "pearson_edistance" ] then
                let struct (real, predicted) =
                    timed "E-distance" seconds (fun () -> energies options.Sides.Threads knownEnergies sides)

                [
                    {
                        Name = "pearson_edistance"
                        Statistic = PooledStatistic.Pearson
                        Real = real
                        Predicted = predicted
                        Absent = Array.create real.Length false
                    }
                ]
            else
                []

        let ranks =
            scores
            |> Array.map (fun score -> MetricColumn.full (distanceName score.Kind) score.Scores)
            |> Array.toList

        let warnings =
            PredictionWarnings.find profiles.Genes.Length profiles.Own predicted real scores
            @ PredictionWarnings.ofSpread (spreadRatios options.Sides.Threads sides)

        let further =
            timed "further measures" seconds (fun () ->
                FurtherMeasures.ofCells
                    options.Sides.Threads
                    options.Further
                    options.ControlSource
                    options.Discrimination
                    chosen
                    sides)

        columns @ ranks @ (energy |> List.map pooledColumn) @ further.Columns, energy, warnings @ further.Warnings

    /// Numbers of significant genes of the perturbations that have some, whose correlation de_spearman_sig is.
    let private countsOf (comparisons: DeComparison[]) = {
        Name = "de_spearman_sig"
        Statistic = PooledStatistic.Spearman
        Real = comparisons |> Array.map (fun comparison -> float comparison.RealSignificant)
        Predicted =
            comparisons
            |> Array.map (fun comparison -> float comparison.PredictedSignificant)
        Absent = comparisons |> Array.map (fun comparison -> comparison.RealSignificant = 0)
    }

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

    /// Perturbations that a partial prediction leaves out are no failures of it.
    let private leftOutNotes (real: DeTable) (compared: DeTable) =
        match real.Targets.Length - compared.Targets.Length with
        | 0 -> []
        | left -> [
            $"{left} of the {real.Targets.Length} perturbations of {real.Source} are not in the predicted table and take no part in its measures."
          ]

    let private tableColumns options chosen seconds tables =
        match tables with
        | None -> Ok None
        | Some(all, predicted) ->
            requireComparable options all predicted
            |> Result.map (fun () ->
                let real = DeTable.restrict predicted.Targets all

                let comparisons =
                    timed "tables" seconds (fun () ->
                        DeAgreement.compare options.Sides.Threads options.De real predicted)

                let further =
                    timed "further tables" seconds (fun () -> furtherOfTables options chosen real predicted)

                Some(real.Targets, comparisons, further, leftOutNotes all real))

    let private missingTables (chosen: MetricEntry list) tables =
        let lacking = chosen |> List.filter (fun entry -> entry.FromTables) |> List.length

        if Option.isNone tables && lacking > 0 then
            [
                $"{lacking} measures of differential expression are left out: they need both tables, --real-de and --predicted-de."
            ]
        else
            []

    let private namesOf (sides: PerturbationSides) =
        sides.Profiles.Own
        |> Array.map (fun truth -> sides.Profiles.Perturbations[truth])

    let private spread perturbations names columns pooled =
        columns |> List.map (MetricColumn.onto perturbations names),
        pooled |> List.map (PooledMetric.onto perturbations names)

    /// Perturbations of either, in ordinal order.
    let private union (cellNames: string[]) (tableNames: string[]) =
        Array.append cellNames tableNames
        |> Array.distinct
        |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

    let private sideNotes options (sides: PerturbationSides option) =
        match sides with
        | Some sides ->
            sides.Notes
            @ Discrimination.targetNotes options.Discrimination sides.Genes sides.Profiles.Perturbations
        | None -> []

    let private cellCounts (sides: PerturbationSides option) =
        match sides with
        | Some sides -> struct (sides.Real.Values.Cells, sides.Predicted.Values.Cells)
        | None -> struct (0, 0)

    /// The columns of the chosen measures, in their order.
    let private pick (chosen: MetricEntry list) (columns: MetricColumn list) =
        chosen
        |> List.choose (fun entry -> columns |> List.tryFind (fun column -> column.Name = entry.Name))
        |> List.toArray

    /// The chosen measures of sides that are put together already, and of tables. `knownEnergies` are the E-distances of the
    /// real side, `costs` what was spent before.
    let internal measure options (costs: ResizeArray<StageCost>) knownEnergies sides tables =
        result {
            let! chosen = MetricRegistry.chosen options.Profile options.Skipped
            let! compared = tableColumns options chosen costs tables

            let tableNames, comparisons, furtherOfTables, tableNotes =
                compared |> Option.defaultValue ([||], [||], [], [])

            let cellNames, (ofCells, energy, warnings) =
                match sides with
                | Some sides -> namesOf sides, cellColumns options chosen costs knownEnergies sides
                | None -> [||], ([], [], [])

            let perturbations = union cellNames tableNames

            let fromTables, counts =
                if Option.isSome compared then
                    spread perturbations tableNames (ofTables comparisons @ furtherOfTables) [ countsOf comparisons ]
                else
                    [], []

            let fromCells, energy = spread perturbations cellNames ofCells energy
            let columns = pick chosen (fromTables @ fromCells)

            return {
                Perturbations = perturbations
                Columns = columns
                Cells = cellCounts sides
                Genes = sides |> Option.map (fun sides -> sides.Genes.Length) |> Option.defaultValue 0
                Notes = sideNotes options sides @ tableNotes @ missingTables chosen tables
                Warnings =
                    warnings
                    @ PredictionWarnings.ofCounts comparisons
                    @ PredictionWarnings.ofDirections comparisons
                Costs = List.ofSeq costs
                Pooled =
                    counts @ energy
                    |> List.filter (fun metric -> columns |> Array.exists (fun column -> column.Name = metric.Name))
            }
        }

    /// Which inputs the chosen measures need: cells, tables.
    let internal needs options : Result<struct (bool * bool), CoExprError> =
        MetricRegistry.chosen options.Profile options.Skipped
        |> Result.map (fun chosen ->
            struct (chosen |> List.exists (fun entry -> not entry.FromTables),
                    chosen |> List.exists (fun entry -> entry.FromTables)))

    /// The E-distances of the real side, when they are first asked for.
    let internal energiesOf threads (side: PerturbationSide) =
        lazy (EnergyDistance.compute threads side.Groups side.Values)

    /// The measures of a profile. Cells give those of profiles and effects, tables those of differential expression; what is
    /// not given is left out, with a note. Errors are those of `PerturbationSides.create` and of tables of other perturbations.
    let run options cells tables : Result<EvaluationResult, CoExprError> =
        let costs = ResizeArray<StageCost>()

        result {
            let! struct (wantsCells, wantsTables) = needs options

            let! sides =
                match cells with
                | Some(real, predicted) when wantsCells ->
                    timed "means" costs (fun () -> PerturbationSides.create options.Sides real predicted)
                    |> Result.map Some
                | _ -> Ok None

            let energies =
                match sides with
                | Some sides -> energiesOf options.Sides.Threads sides.Real
                | None -> lazy [||]

            return! measure options costs energies sides (if wantsTables then tables else None)
        }
