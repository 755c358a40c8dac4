namespace CoExpr

open System

/// Controls that are taken for perturbed cells, to see what a test finds where there is nothing.
[<RequireQualifiedAccess>]
type FakePerturbations =
    /// So many groups of controls drawn at random, no cell in two of them.
    | Splits of count: int * seed: uint64
    /// The guides that this column of the cell table names; with `most`, those of most cells.
    | Guides of column: string * most: int option

/// One fake perturbation.
type FakePerturbation = {
    /// The guide, or "split 1".
    Name: string
    /// Positions among the controls.
    Members: int[]
}

/// What tests of controls against the other controls gave.
type Calibration = {
    /// One per fake perturbation.
    Names: string[]
    /// One per fake perturbation.
    Cells: int[]
    /// All of them; each fake perturbation is compared with those that are not in it.
    ControlCells: int
    /// Of the perturbations that the fake ones stand for.
    MedianCells: int
    /// For each fake perturbation the base-10 logarithms of p, lowest first, of the genes that could have had a p below 1.
    Log10P: float[][]
}

/// How often a test calls what is no difference. Controls are drawn, each group of them is tested against the other controls
/// with the options of the real comparisons, and p-values should then be uniform.
[<RequireQualifiedAccess>]
module Calibration =

    /// A share of p-values of at most 0.05 from here on is too high to be told of nobody.
    [<Literal>]
    let TolerableRate = 0.07

    /// What is wrong with the options, whatever the data.
    let validate control fakes : Result<unit, CoExprError> =
        match control, fakes with
        | None, _ ->
            Error(
                CoExprError.BadOption(
                    "--calibrate",
                    "with --rest",
                    "the label of the control is needed, whose cells are split"
                )
            )
        | _, FakePerturbations.Splits(count, _) when count < 1 ->
            Error(CoExprError.BadOption("--calibrate", string count, "1 or more are needed"))
        | _, FakePerturbations.Guides(_, Some most) when most < 1 ->
            Error(CoExprError.BadOption("--calibrate", string most, "1 or more are needed"))
        | _ -> Ok()

    /// The lower one of the middle two.
    let median (sizes: int[]) =
        (Array.sort sizes)[(sizes.Length - 1) / 2]

    /// Groups of the size of the median perturbation's, or as large as leave one such share of the controls over. The same
    /// seed gives the same groups. Error: groups would have fewer than `least` cells.
    let splits least seed count medianCells controls : Result<FakePerturbation[], CoExprError> =
        let size = min (int64 medianCells) (int64 controls / (int64 count + 1L)) |> int

        if size < max 1 least then
            Error(
                CoExprError.TooFew(
                    $"controls to split into {count} fake perturbations",
                    int64 controls,
                    (int64 count + 1L) * int64 (max 1 least),
                    "Ask for fewer with --calibrate, or lower --min-cells."
                )
            )
        else
            let order =
                (Random.stream seed (Purpose.named "calibration splits") 0).Permutation controls

            Ok(
                Array.init count (fun fake -> {
                    Name = $"split {fake + 1}"
                    Members = Array.sort order[fake * size .. (fake + 1) * size - 1]
                })
            )

    let private byNumber (name: string, members: int[]) = -members.Length, name

    /// The guides of which `least` cells or more have the guide, and as many another or none; of those, the ones of most
    /// cells. `guides` has one name per control, null where there is none. Error: there are none.
    let ofGuides least column most (guides: string[]) : Result<FakePerturbation[], CoExprError> =
        let enough (_, members: int[]) =
            members.Length >= max 1 least && guides.Length - members.Length >= max 1 least

        let found =
            Array.indexed guides
            |> Array.filter (snd >> isNull >> not)
            |> Array.groupBy snd
            |> Array.map (fun (name, cells) -> name, Array.map fst cells)

        match found |> Array.filter enough with
        | [||] ->
            Error(
                CoExprError.TooFew(
                    $"guides with {max 1 least} cells or more, and as many others beside them, in column {column} of the controls",
                    0L,
                    1L,
                    $"Of {guides.Length} controls {found.Length} guides are named. Name the column of the guides, or leave --guide out to split at random."
                )
            )
        | usable ->
            usable
            |> Array.sortWith (fun a b ->
                let (cellsA, nameA), (cellsB, nameB) = byNumber a, byNumber b
                let bySize = compare cellsA cellsB

                if bySize <> 0 then
                    bySize
                else
                    String.CompareOrdinal(nameA, nameB))
            |> Array.truncate (Option.defaultValue usable.Length most)
            |> Array.map (fun (name, members) -> { Name = name; Members = members })
            |> Ok

    /// How many tests there were.
    let tests calibration =
        calibration.Log10P |> Array.sumBy (fun values -> int64 values.Length)

    let private atMost level (values: float[]) =
        values |> Array.filter (fun value -> value <= log10 level) |> Array.length

    /// The share of the p-values of at most this level, which should be the level; NaN if there are none.
    let rate level calibration =
        let called =
            calibration.Log10P |> Array.sumBy (fun values -> int64 (atMost level values))

        float called / float (tests calibration)

    /// The same of each fake perturbation.
    let rates level calibration =
        calibration.Log10P
        |> Array.map (fun values -> float (atMost level values) / float values.Length)

    /// All of them, lowest first.
    let sorted calibration =
        calibration.Log10P |> Array.concat |> Array.sort

    let private number (count: int64) =
        count.ToString("N0", Globalization.CultureInfo.InvariantCulture)

    let private percent (share: float) =
        (100.0 * share).ToString("0.0", Globalization.CultureInfo.InvariantCulture)

    /// What a user must be told: that there are more false positives than there should be.
    let warning calibration =
        if rate 0.05 calibration > TolerableRate then
            Some(
                $"of {number (tests calibration)} tests of controls against controls {percent (rate 0.05 calibration)} %% have a p of at most 0.05, "
                + "where 5.0 % should: p-values are too small, and q-values with them. Compare another --test, or look for "
                + "what else differs between controls (batches, depth)."
            )
        else
            None
