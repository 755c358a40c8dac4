namespace CoExpr

open System

/// The measures of one model of several.
type ComparedModel = {
    Name: string
    /// In ordinal order; the rows of every column.
    Perturbations: string[]
    Columns: MetricColumn[]
    /// What measures of all perturbations are made of, where it is known.
    Pooled: PooledMetric list
}

/// How sure a difference is, in the direction in which the measure judges.
[<RequireQualifiedAccess>]
type Verdict =
    | Better
    | Worse
    /// The interval holds 0.
    | Undecided
    /// The measure does not judge, or there is no interval.
    | Nothing

/// A model less another by one measure, over the perturbations for which both have a number.
type PairedDifference = {
    Model: string
    Against: string
    /// Named by the measure; `Value` is the difference.
    Interval: MetricInterval
    Verdict: Verdict
}

/// Several models of the same perturbations side by side.
type ModelComparison = {
    Models: ComparedModel[]
    /// Measures that every model has, in the order of the first.
    Metrics: string[]
    /// Models x measures, each over the perturbations for which every model has a number.
    Values: MetricInterval[][]
    /// Every other model less the chosen one, measure by measure.
    Differences: PairedDifference[]
}

/// Comparison of models by paired differences: all draws of perturbations are the same for both, so that what makes a
/// perturbation hard for both does not count.
[<RequireQualifiedAccess>]
module Comparison =

    let ofResult name (found: EvaluationResult) : ComparedModel = {
        Name = name
        Perturbations = found.Perturbations
        Columns = found.Columns
        Pooled = found.Pooled
    }

    /// Words for files.
    let verdictName verdict =
        match verdict with
        | Verdict.Better -> "better"
        | Verdict.Worse -> "worse"
        | Verdict.Undecided -> "undecided"
        | Verdict.Nothing -> ""

    /// What is said of models, each sentence once, with the names of those that it is said of unless it is of all.
    let said (words: (string * string list)[]) : string list =
        words
        |> Array.collect (fun (model, sentences) -> [| for sentence in List.distinct sentences -> sentence, model |])
        |> Array.groupBy fst
        |> Array.map (fun (sentence, models) ->
            if models.Length = words.Length then
                sentence
            else
                let names = String.Join(", ", models |> Array.map snd)
                $"{names}: {sentence}")
        |> Array.toList

    let private spread perturbations (model: ComparedModel) = {
        model with
            Perturbations = perturbations
            Columns = model.Columns |> Array.map (MetricColumn.onto perturbations model.Perturbations)
            Pooled = model.Pooled |> List.map (PooledMetric.onto perturbations model.Perturbations)
    }

    let private sampleOf name (model: ComparedModel) =
        model.Columns
        |> Array.find (fun column -> column.Name = name)
        |> Intervals.sampleOf model.Pooled

    /// Samples of several models over the perturbations that take part in all of them: what one model has no number for is
    /// hard for others, too.
    let private sharedBy (samples: MetricSample[]) =
        let means =
            samples
            |> Array.choose (function
                | MetricSample.Mean values -> Some values
                | _ -> None)

        let pooled =
            samples
            |> Array.choose (function
                | MetricSample.Pooled metric -> Some metric
                | _ -> None)

        if means.Length = samples.Length then
            let isMissing =
                Array.init means[0].Length (fun at -> means |> Array.exists (fun values -> Double.IsNaN values[at]))

            means
            |> Array.map (
                Array.mapi (fun at value -> if isMissing[at] then nan else value)
                >> MetricSample.Mean
            )
        elif pooled.Length = samples.Length then
            let absent = pooled |> Array.map _.Absent |> Array.reduce (Array.map2 (||))

            pooled
            |> Array.map (fun metric -> MetricSample.Pooled { metric with Absent = absent })
        else
            samples

    let private verdictOf name interval =
        match MetricRegistry.tryFind name |> Option.map (fun entry -> entry.Best) with
        | _ when Double.IsNaN interval.Low -> Verdict.Nothing
        | None
        | Some BestValue.Nothing -> Verdict.Nothing
        | Some best ->
            let low, high =
                match best with
                | BestValue.Zero -> -interval.High, -interval.Low
                | _ -> interval.Low, interval.High

            if low > 0.0 then Verdict.Better
            elif high < 0.0 then Verdict.Worse
            else Verdict.Undecided

    let private differences threads (options: IntervalOptions) (against: ComparedModel) metrics (model: ComparedModel) =
        let pairs =
            metrics
            |> Array.map (fun name ->
                let both = sharedBy [| sampleOf name model; sampleOf name against |]
                both[0], both[1])

        let difference (first, second) rows =
            Intervals.value rows first - Intervals.value rows second

        let all = Array.init model.Perturbations.Length id

        Intervals.resampled threads options all.Length (pairs |> Array.map difference)
        |> Array.mapi (fun at draws ->
            let first, _ = pairs[at]
            let draws = if Intervals.takingPart first = 0 then [||] else draws

            let interval =
                Intervals.percentiles
                    options.Level
                    metrics[at]
                    (difference pairs[at] all)
                    (Intervals.takingPart first)
                    draws

            {
                Model = model.Name
                Against = against.Name
                Interval = interval
                Verdict = verdictOf metrics[at] interval
            })

    let private requireDistinct (models: ComparedModel[]) =
        models
        |> Array.countBy (fun model -> model.Name)
        |> Array.tryFind (fun (_, times) -> times > 1)
        |> function
            | Some(name, times) ->
                Error(
                    CoExprError.BadOption("--names", name, $"{times} models have this name; give each one of its own")
                )
            | None -> Ok()

    let private requireShared (models: ComparedModel[]) =
        let shared =
            models
            |> Array.map (fun model -> set model.Perturbations)
            |> Array.reduce Set.intersect

        if shared.IsEmpty then
            let names = String.Join(", ", models |> Array.map (fun model -> model.Name))
            let advice = "Models are compared by perturbations that all of them have."
            Error(CoExprError.TooFew($"perturbations that {names} share", 0L, 1L, advice))
        else
            Ok()

    let private union (models: ComparedModel[]) =
        models
        |> Array.collect (fun model -> model.Perturbations)
        |> Array.distinct
        |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

    let private namesOf (model: ComparedModel) =
        model.Columns |> Array.map (fun column -> column.Name)

    let private find against (models: ComparedModel[]) : Result<ComparedModel, CoExprError> =
        let names = models |> Array.map (fun model -> model.Name) |> Array.toList

        match against with
        | None -> Ok models[0]
        | Some name ->
            match models |> Array.tryFind (fun model -> model.Name = name) with
            | Some model -> Ok model
            | None -> Error(CoExprError.UnknownLabel("--against", name, names))

    /// Compares models by the measures that all of them have, each with the model that is named, or the first. Same bits for
    /// any number of threads. Errors: two models of one name, no such model, no perturbation that all share.
    let compute threads options against (models: ComparedModel[]) : Result<ModelComparison, CoExprError> =
        result {
            do! requireDistinct models
            do! requireShared models
            let perturbations = union models
            let models = models |> Array.map (spread perturbations)
            let! reference = find against models

            let metrics =
                namesOf models[0]
                |> Array.filter (fun name -> models |> Array.forall (fun model -> Array.contains name (namesOf model)))

            let shared =
                metrics
                |> Array.map (fun name -> models |> Array.map (sampleOf name) |> sharedBy)

            let values at =
                Array.map2 (fun name (samples: MetricSample[]) -> name, samples[at]) metrics shared
                |> Intervals.compute threads options perturbations.Length

            return {
                Models = models
                Metrics = metrics
                Values = Array.init models.Length values
                Differences =
                    models
                    |> Array.filter (fun model -> model.Name <> reference.Name)
                    |> Array.collect (differences threads options reference metrics)
            }
        }
