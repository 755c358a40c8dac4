namespace CoExpr

/// What is compared: a weighted sum of coefficients.
[<RequireQualifiedAccess>]
type Contrast =
    /// One level of a factor against another.
    | Levels of factor: string * level: string * reference: string
    /// One coefficient by its name.
    | Coefficient of string
    /// Weights by names of coefficients; those not named weigh 0.
    | Weights of (string * float) list

[<RequireQualifiedAccess>]
module Contrast =

    /// A name for the results: condition_treated_vs_control, a coefficient's own name, or the sum.
    let name contrast =
        match contrast with
        | Contrast.Levels(factor, level, reference) -> $"{factor}_{level}_vs_{reference}"
        | Contrast.Coefficient name -> name
        | Contrast.Weights weights ->
            let term (name, weight: float) =
                let sign = if weight < 0.0 then "-" else "+"
                let size = abs weight
                if size = 1.0 then sign + name else $"{sign}{size}*{name}"

            weights |> List.map term |> String.concat ""

    /// A contrast from "column,level,reference" or the name of a coefficient; what has commas itself is in double quotes.
    /// BadOption for what is neither.
    let parse (words: string) : Result<Contrast, CoExprError> =
        match NameList.tryParse words with
        | Some [ factor; level; reference ] -> Ok(Contrast.Levels(factor, level, reference))
        | Some [ coefficient ] -> Ok(Contrast.Coefficient coefficient)
        | _ ->
            Error(
                CoExprError.BadOption(
                    "--contrast",
                    words,
                    "column,level,reference or the name of a coefficient is needed; what has commas itself is put in double quotes (column,\"A,B\",reference)"
                )
            )

    let private unknown what (asked: string) known =
        Error(CoExprError.UnknownLabel(what, asked, known))

    let private coefficientAt (design: Design) name =
        match Array.tryFindIndex ((=) name) design.Coefficients with
        | Some at -> Ok at
        | None -> unknown $"design {design.Text}: coefficient" name (Array.toList design.Coefficients)

    let private levelAt (design: Design) (factor: DesignFactor) level =
        match Array.tryFindIndex ((=) level) factor.Levels with
        | Some at -> Ok at
        | None -> unknown $"design {design.Text}: level of {factor.Name}" level (Array.toList factor.Levels)

    /// The factor of this name.
    let private factorOf (design: Design) name =
        match design.Factors |> Array.tryFind (fun factor -> factor.Name = name) with
        | Some factor -> Ok factor
        | None ->
            let known = design.Factors |> Array.map (fun factor -> factor.Name) |> Array.toList
            unknown $"design {design.Text}: factor" name known

    let private ofLevels (design: Design) name level reference =
        result {
            let! factor = factorOf design name
            let! high = levelAt design factor level
            let! low = levelAt design factor reference

            if high = low then
                return! Error(CoExprError.BadOption("contrast", $"{name},{level},{reference}", "two levels are needed"))

            let weights = Array.zeroCreate<float> design.Width

            let set level weight =
                if factor.CoefficientOf[level] >= 0 then
                    weights[factor.CoefficientOf[level]] <- weight

            set high 1.0
            set low -1.0
            return weights
        }

    let private ofWeights (design: Design) named =
        let start = Ok(Array.zeroCreate<float> design.Width)

        (start, named)
        ||> List.fold (fun sum (name, weight) ->
            result {
                let! weights = sum
                let! at = coefficientAt design name
                return Array.updateAt at (weights[at] + weight) weights
            })
        |> Result.bind (fun weights ->
            if weights |> Array.forall ((=) 0.0) then
                Error(
                    CoExprError.BadOption("contrast", name (Contrast.Weights named), "a weight other than 0 is needed")
                )
            else
                Ok weights)

    /// One weight per coefficient of the design. UnknownLabel, with the known ones, for a factor, level or coefficient
    /// that is not in the design; BadOption for two equal levels and for weights that are all 0.
    let weights (design: Design) contrast : Result<float[], CoExprError> =
        match contrast with
        | Contrast.Levels(factor, level, reference) -> ofLevels design factor level reference
        | Contrast.Coefficient name -> ofWeights design [ name, 1.0 ]
        | Contrast.Weights named -> ofWeights design named

    /// Of each sample, whether it is of one of the two levels compared; all are where the contrast is not of levels.
    let samples (design: Design) contrast =
        match contrast with
        | Contrast.Levels(name, level, reference) ->
            match factorOf design name with
            | Ok factor ->
                factor.Codes
                |> Array.map (fun code -> factor.Levels[code] = level || factor.Levels[code] = reference)
            | Error _ -> Array.create design.Size true
        | _ -> Array.create design.Size true
