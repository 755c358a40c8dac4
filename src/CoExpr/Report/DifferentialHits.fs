namespace CoExpr

open System

/// Which rows of a comparison are hits, and how they are told and ordered, for figures and tables.
[<RequireQualifiedAccess>]
module DifferentialHits =

    /// Rows of a q of at most this are hits.
    [<Literal>]
    let Level = 0.05

    let isHit (rows: ContrastRows) place = rows.QValue[place] <= Level

    /// Whether the perturbed cells have more. A fold change that is missing or 0 leaves the word to the effect.
    let isUp (rows: ContrastRows) place =
        let fold = rows.LogFoldChange[place]

        if fold > 0.0 || fold < 0.0 then
            fold > 0.0
        else
            rows.Effect[place] > 0.0

    /// Whether a fold change rests on both groups: where a group is without the gene it is infinite, or a pseudocount's.
    let hasFold (rows: ContrastRows) place =
        Double.IsFinite rows.LogFoldChange[place]
        && rows.Status[place] <> RowStatus.ZeroInPerturbed
        && rows.Status[place] <> RowStatus.ZeroInReference

    let private places (result: DifferentialResult) perturbation =
        let first = result.Place(perturbation, 0)
        Seq.init result.GeneTable.Names.Length (fun gene -> first + gene)

    /// How many hits a perturbation has: up, down.
    let counts (result: DifferentialResult) perturbation =
        let up, down =
            places result perturbation
            |> Seq.filter (isHit result.Rows)
            |> Array.ofSeq
            |> Array.partition (isUp result.Rows)

        struct (up.Length, down.Length)

    let private ordinal (a: string) b = String.CompareOrdinal(a, b)

    /// Perturbations of these names and so many hits, most hits first; those of as many in order of name.
    let byHits (names: string[]) (hits: int[]) =
        Array.init hits.Length id
        |> Array.sortWith (fun a b ->
            match compare hits[b] hits[a] with
            | 0 -> ordinal names[a] names[b]
            | order -> order)

    /// The lower p first; those of the same p in order of the gene's name, so that the file's order changes nothing.
    let stronger (result: DifferentialResult) a b =
        match compare result.Rows.Log10P[a] result.Rows.Log10P[b] with
        | 0 ->
            let genes = result.GeneTable.Names

            match ordinal genes[a % genes.Length] genes[b % genes.Length] with
            | 0 -> ordinal result.Perturbations[a / genes.Length] result.Perturbations[b / genes.Length]
            | order -> order
        | order -> order

    /// The rows of one perturbation that have a p, strongest first.
    let strongest (result: DifferentialResult) perturbation =
        places result perturbation
        |> Seq.filter (fun place -> not (Double.IsNaN result.Rows.Log10P[place]))
        |> Array.ofSeq
        |> Array.sortWith (stronger result)

    /// Logarithms of p of the rows of one perturbation that could have had one below 1.
    let testableLog10P (result: DifferentialResult) perturbation =
        places result perturbation
        |> Seq.filter (ContrastRows.isTestable result.Rows)
        |> Seq.map (fun place -> result.Rows.Log10P[place])
        |> Array.ofSeq

    /// About `room` of these, from the first to the last in even steps: all where there is room.
    let evenly room (items: 'a[]) =
        if items.Length <= room then
            items
        elif room <= 0 then
            [||]
        else
            Array.init room (fun at -> items[int (int64 at * int64 items.Length / int64 room)])
