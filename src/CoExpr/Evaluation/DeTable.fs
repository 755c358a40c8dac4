namespace CoExpr

open System
open System.Collections.Generic

/// The precision in which the numbers of tables are compared.
[<RequireQualifiedAccess>]
type DePrecision =
    | Double
    /// Rounded to single precision, as cell-eval has them: thresholds too, and more values tie.
    | Single

/// The numbers of a table of differential expression, one row per perturbation and gene, as they were read.
type DeRows = {
    /// Names of perturbations, and of each row the number of its own.
    Targets: string[]
    Target: int[]
    /// Names of genes, and of each row the number of its own.
    Features: string[]
    Feature: int[]
    Log2FoldChange: float[]
    PValue: float[]
    Fdr: float[]
    /// Rows without a fold change, which is not the same as NaN; empty where every row has one.
    NoFoldChange: bool[]
    /// Rows without an FDR; empty where every row has one.
    NoFdr: bool[]
}

/// A table of differential expression by perturbation: rows of perturbation t from Starts[t] to before Starts[t + 1], in
/// the order of the table, each gene at most once.
type DeTable = {
    Source: string
    /// In ordinal order.
    Targets: string[]
    Features: string[]
    Starts: int[]
    /// The number of each row's gene; empty where every perturbation with rows has all genes, in their order.
    Feature: int[]
    Log2FoldChange: float[]
    PValue: float[]
    /// Corrected over the genes of a perturbation (Benjamini & Hochberg 1995).
    Fdr: float[]
    NoFoldChange: bool[]
    NoFdr: bool[]
}

/// The parts of tables.
[<RequireQualifiedAccess>]
module private DeColumns =

    /// The values of some rows; a column that is not there stays so.
    let take (places: int[]) (values: 'a[]) =
        if values.Length = 0 then
            values
        else
            places |> Array.map (fun place -> values[place])

[<RequireQualifiedAccess>]
module DeRows =

    /// The rows of these places in their order, with the targets that they have.
    let take (places: int[]) (rows: DeRows) : DeRows =
        let pick values = DeColumns.take places values
        let target = pick rows.Target
        let targets = Array.distinct target
        let number = Array.create rows.Targets.Length -1
        targets |> Array.iteri (fun at target -> number[target] <- at)

        {
            Targets = targets |> Array.map (fun target -> rows.Targets[target])
            Target = target |> Array.map (fun target -> number[target])
            Features = rows.Features
            Feature = pick rows.Feature
            Log2FoldChange = pick rows.Log2FoldChange
            PValue = pick rows.PValue
            Fdr = pick rows.Fdr
            NoFoldChange = pick rows.NoFoldChange
            NoFdr = pick rows.NoFdr
        }

[<RequireQualifiedAccess>]
module DeTable =

    let private same (name: string) expected actual =
        if expected <> actual then
            invalidArg name $"{actual} rows where {expected} were expected"

    let private check (rows: DeRows) =
        let count = rows.Target.Length
        same "Feature" count rows.Feature.Length
        same "Log2FoldChange" count rows.Log2FoldChange.Length
        same "PValue" count rows.PValue.Length
        same "Fdr" count rows.Fdr.Length

        if rows.NoFoldChange.Length > 0 then
            same "NoFoldChange" count rows.NoFoldChange.Length

        if rows.NoFdr.Length > 0 then
            same "NoFdr" count rows.NoFdr.Length

    /// Where the rows of each target go if targets come in ordinal order, rows of one in the order of the table.
    let private grouped (rows: DeRows) =
        let order =
            [| 0 .. rows.Targets.Length - 1 |]
            |> Array.sortWith (fun a b -> String.CompareOrdinal(rows.Targets[a], rows.Targets[b]))

        let place = Array.zeroCreate<int> order.Length
        order |> Array.iteri (fun at target -> place[target] <- at)
        let sizes = Array.zeroCreate<int> order.Length

        for target in rows.Target do
            sizes[place[target]] <- sizes[place[target]] + 1

        let starts = Array.scan (+) 0 sizes
        let next = Array.copy starts
        let source = Array.zeroCreate<int> rows.Target.Length

        rows.Target
        |> Array.iteri (fun row target ->
            let target = place[target]
            source[next[target]] <- row
            next[target] <- next[target] + 1)

        order, starts, source

    let private twice source (rows: DeRows) target feature first second =
        Error(
            CoExprError.DuplicateName(
                source,
                "the pair of perturbation and gene",
                $"{rows.Targets[target]}, {rows.Features[feature]}",
                first + 1,
                second + 1
            )
        )

    /// The first gene that a target has twice.
    let private requireUnique name (rows: DeRows) (order: int[]) (starts: int[]) (source: int[]) =
        let seen = Array.create rows.Features.Length -1

        let rec firstTwice target at =
            if target = order.Length then
                Ok()
            elif at = starts[target + 1] then
                firstTwice (target + 1) at
            else
                let feature = rows.Feature[source[at]]
                let before = seen[feature]
                seen[feature] <- at

                if before >= starts[target] then
                    twice name rows order[target] feature source[before] source[at]
                else
                    firstTwice target (at + 1)

        firstTwice 0 0

    /// A rate or a p-value is from 0 to 1; one that is NaN is none, and calls nothing.
    let private requireFractions source name (values: float[]) (rows: DeRows) =
        match values |> Array.tryFindIndex (fun value -> value < 0.0 || value > 1.0) with
        | None -> Ok()
        | Some row ->
            let value = values[row].ToString("R", Globalization.CultureInfo.InvariantCulture)

            let place =
                $"{rows.Targets[rows.Target[row]]}, {rows.Features[rows.Feature[row]]} (row {row + 1})"

            Error(CoExprError.DamagedFile(source, $"{name} of {place} is {value}; it must be from 0 to 1."))

    /// Groups rows by perturbation. A gene twice in one perturbation is a DuplicateName with the numbers of both rows; a rate
    /// or p-value that is not from 0 to 1 a DamagedFile.
    let create precision source (rows: DeRows) : Result<DeTable, CoExprError> =
        check rows
        let order, starts, from = grouped rows

        let rounded (values: float[]) =
            match precision with
            | DePrecision.Double -> from |> Array.map (fun row -> values[row])
            | DePrecision.Single -> from |> Array.map (fun row -> float (float32 values[row]))

        requireFractions source "fdr" rows.Fdr rows
        |> Result.bind (fun () -> requireFractions source "p_value" rows.PValue rows)
        |> Result.bind (fun () -> requireUnique source rows order starts from)
        |> Result.map (fun () -> {
            Source = source
            Targets = order |> Array.map (fun target -> rows.Targets[target])
            Features = rows.Features
            Starts = starts
            Feature = DeColumns.take from rows.Feature
            Log2FoldChange = rounded rows.Log2FoldChange
            PValue = rounded rows.PValue
            Fdr = rounded rows.Fdr
            NoFoldChange = DeColumns.take from rows.NoFoldChange
            NoFdr = DeColumns.take from rows.NoFdr
        })

    /// The places of names among others, −1 for one that is not there.
    let internal numbersIn (names: string[]) (asked: string[]) =
        let numbers = Dictionary<string, int>()
        names |> Array.iteri (fun at name -> numbers[name] <- at)

        asked
        |> Array.map (fun name ->
            match numbers.TryGetValue name with
            | true, at -> at
            | _ -> -1)

    /// The number of a row's gene.
    let feature (table: DeTable) row =
        if table.Feature.Length = 0 then
            row % table.Features.Length
        else
            table.Feature[row]

    /// Whether a row has a fold change, be it NaN.
    let hasFoldChange table row =
        table.NoFoldChange.Length = 0 || not table.NoFoldChange[row]

    /// Whether a row has an FDR, be it NaN.
    let hasFdr table row =
        table.NoFdr.Length = 0 || not table.NoFdr[row]

    /// The rows of some perturbations.
    let restrict (names: string[]) (table: DeTable) : DeTable =
        let asked = HashSet names

        let kept =
            [| 0 .. table.Targets.Length - 1 |]
            |> Array.filter (fun target -> asked.Contains table.Targets[target])

        let size target =
            table.Starts[target + 1] - table.Starts[target]

        if kept.Length = table.Targets.Length then
            table
        else
            let places =
                kept
                |> Array.collect (fun target -> Array.init (size target) (fun at -> table.Starts[target] + at))

            {
                table with
                    Targets = kept |> Array.map (fun target -> table.Targets[target])
                    Starts = kept |> Array.map size |> Array.scan (+) 0
                    Feature = DeColumns.take places table.Feature
                    Log2FoldChange = DeColumns.take places table.Log2FoldChange
                    PValue = DeColumns.take places table.PValue
                    Fdr = DeColumns.take places table.Fdr
                    NoFoldChange = DeColumns.take places table.NoFoldChange
                    NoFdr = DeColumns.take places table.NoFdr
            }

    /// Names as numbers, and so the names of rows as numbers of names.
    let ofNames (targets: string[]) (features: string[]) foldChange pValue fdr : DeRows =
        let numbered (names: string[]) =
            let numbers = Dictionary<string, int>()

            let codes =
                names
                |> Array.map (fun name ->
                    match numbers.TryGetValue name with
                    | true, number -> number
                    | _ ->
                        numbers[name] <- numbers.Count
                        numbers.Count - 1)

            Seq.toArray numbers.Keys, codes

        let targetNames, target = numbered targets
        let featureNames, feature = numbered features

        {
            Targets = targetNames
            Target = target
            Features = featureNames
            Feature = feature
            Log2FoldChange = foldChange
            PValue = pValue
            Fdr = fdr
            NoFoldChange = [||]
            NoFdr = [||]
        }
