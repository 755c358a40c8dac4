namespace CoExpr

/// What is made of the scores of all pairs together.
[<RequireQualifiedAccess>]
type Transform =
    /// Nothing.
    | None
    /// Context likelihood of relatedness (Faith et al. 2007): how far a score stands out among those of its two genes.
    | ContextLikelihood
    /// Minimum redundancy networks (Meyer, Kontos, Lafitte and Bontempi 2007): what a gene adds to a gene's better partners.
    | MinimumRedundancy

[<RequireQualifiedAccess>]
module Transform =

    let internal named = [
        "none", Transform.None
        "clr", Transform.ContextLikelihood
        "mrnet", Transform.MinimumRedundancy
    ]

    /// A transform by its name on the command line.
    let parse name : Result<Transform, CoExprError> =
        match named |> List.tryFind (fst >> (=) name) with
        | Some(_, transform) -> Ok transform
        | Option.None -> Error(CoExprError.UnknownLabel("--transform", name, List.map fst named))

    /// Its name on the command line.
    let name (transform: Transform) =
        named |> List.find (snd >> (=) transform) |> fst

    /// Applies it to the scores of all pairs.
    let apply threads transform scores =
        match transform with
        | Transform.None -> scores
        | Transform.ContextLikelihood -> ContextLikelihood.apply threads scores
        | Transform.MinimumRedundancy -> MinimumRedundancy.apply threads scores
