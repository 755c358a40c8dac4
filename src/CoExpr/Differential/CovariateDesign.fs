namespace CoExpr

open System

/// What a negative-binomial model allows for beside groups and size factors.
type CovariateOptions = {
    /// Columns of the cell table; factor(name) takes numbers for labels.
    Columns: string list
    /// Added to the logarithm of the mean of each gene in each cell: of each gene one value per cell of the input. Empty:
    /// none.
    Offsets: float[][]
    /// The control's intercept of each gene, ln of its mean in a cell of size factor 1, where it is known: it is then held
    /// there and adds nothing to any error. Empty: it is estimated.
    ControlIntercepts: float[]
} with

    /// Whether there is anything that the model of groups alone has not.
    member this.IsNone =
        this.Columns.IsEmpty
        && this.Offsets.Length = 0
        && this.ControlIntercepts.Length = 0

/// Covariates as numbers, column by column: what ln of a cell's mean count is a sum of, each times a slope of its own.
type CovariateDesign = {
    /// One per column: percent_mito, batch_B.
    Names: string[]
    /// Of each column one value per cell of the input, the mean over the cells of all groups taken away; NaN for cells of
    /// none.
    Columns: float[][]
    /// Where all columns are of labels: of each cell the number of its combination of labels (−1: of no group), and the
    /// values of the columns for each combination, combinations x columns.
    Strata: (int[] * float[]) option
}

[<RequireQualifiedAccess>]
module CovariateOptions =
    /// Nothing.
    let none = {
        Columns = []
        Offsets = [||]
        ControlIntercepts = [||]
    }

    let private requireLength (what: string) (expected: int) (actual: int) =
        if actual = expected then
            Ok()
        else
            Error(CoExprError.UnequalLengths(what, int64 expected, int64 actual))

    /// Nothing at all is as good as one for each.
    let private requireNoneOrAll what expected actual =
        if actual = 0 then
            Ok()
        else
            requireLength what expected actual

    /// Refuses offsets or intercepts that are not one per gene, and offsets that are not one per cell.
    let internal requireLengths (options: CovariateOptions) (cells: Cells) : Result<unit, CoExprError> =
        result {
            let genes = cells.GeneTable.Names
            do! requireNoneOrAll "genes of the offsets" genes.Length options.Offsets.Length
            do! requireNoneOrAll "intercepts of the control" genes.Length options.ControlIntercepts.Length

            match
                options.Offsets
                |> Array.tryFindIndex (fun own -> own.Length <> cells.Counts.Cells)
            with
            | Some gene ->
                do! requireLength $"offsets of gene {genes[gene]}" cells.Counts.Cells options.Offsets[gene].Length
            | None -> ()
        }

    /// With the offsets of these cells alone.
    let internal takeCells (chosen: int[]) options = {
        options with
            Offsets =
                options.Offsets
                |> Array.map (fun own -> chosen |> Array.map (fun cell -> own[cell]))
    }

/// Designs of single cells: an intercept for each group (perturbation), and covariates whose slopes all groups share.
[<RequireQualifiedAccess>]
module CovariateDesign =

    /// A column of which less than this share varies within groups, and apart from the columns before it, is confounded.
    [<Literal>]
    let private Independent = 1e-7

    /// More columns than this are likely a column of names.
    [<Literal>]
    let MostColumns = 256

    /// Nothing but groups.
    let empty = {
        Names = [||]
        Columns = [||]
        Strata = None
    }

    [<RequireQualifiedAccess>]
    type private Values =
        /// Of each cell its level; −1 for cells of no group.
        | Levels of levels: string[] * codes: int[]
        | Numbers of float[]

    type private Covariate = { Name: string; Values: Values }

    let private fail name reason : 'a =
        raise (CoExprFailure(CoExprError.BadOption("--covariates", name, reason)))

    /// The name of a column, and whether its numbers are labels, from "name" or "factor(name)".
    let internal read (word: string) : string * bool =
        let word = word.Trim()

        if word.StartsWith "factor(" && word.EndsWith ")" then
            word.Substring(7, word.Length - 8).Trim(), true
        else
            word, false

    /// How many columns these covariates make at most, and whether numbers are among them, without looking at what is wrong
    /// with them.
    let internal width (words: string list) (table: Table) : struct (int * bool) =
        let kinds =
            words
            |> List.choose (fun word ->
                let name, isFactor = read word

                match Table.tryColumn name table with
                | Some(Column.Float _ | Column.Integer _) when not isFactor -> Some struct (1, true)
                | Some column ->
                    let levels = Seq.init (Table.rows table) (fun cell -> Column.text cell column)
                    Some struct (Seq.length (Seq.distinct levels) - 1, false)
                | None -> None)

        struct (kinds |> List.sumBy (fun struct (columns, _) -> columns), kinds |> List.exists (fun struct (_, n) -> n))

    /// What is to be said where some of these cells have no value.
    let internal missing (cells: Cells) column (order: int[]) : string option =
        let without =
            order
            |> Array.filter (fun cell -> String.IsNullOrWhiteSpace(Column.text cell column))

        if without.Length = 0 then
            None
        else
            Some
                $"the column has no value for {without.Length} of {order.Length} cells, the first of them {cells.CellTable.Names[without[0]]}; leave these cells out or fill the values in"

    let private requireComplete (cells: Cells) name column order =
        missing cells column order |> Option.iter (fail name)

    let private levels name column (order: int[]) rows =
        let texts = order |> Array.map (fun cell -> Column.text cell column)

        let levels =
            texts
            |> Array.distinct
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

        if levels.Length < 2 then
            fail
                name
                $"the column has the one level {levels[0]} in all {order.Length} cells, so it explains nothing; leave it out"

        if levels.Length - 1 > MostColumns then
            raise (
                CoExprFailure(
                    CoExprError.TooLarge($"levels of covariate {name}", int64 levels.Length, int64 MostColumns + 1L)
                )
            )

        let code = Collections.Generic.Dictionary<string, int>()
        levels |> Array.iteri (fun i level -> code[level] <- i)
        let codes = Array.create rows -1
        Array.iter2 (fun cell text -> codes[cell] <- code[text]) order texts
        Values.Levels(levels, codes)

    let private invariant (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    let private numbers (cells: Cells) name (values: float[]) (order: int[]) =
        match order |> Array.tryFind (fun cell -> not (Double.IsFinite values[cell])) with
        | Some cell ->
            fail
                name
                $"the column is {invariant values[cell]} for cell {cells.CellTable.Names[cell]}, where a finite number is needed; leave the cell out or mend the value"
        | None -> ()

        if order |> Array.forall (fun cell -> values[cell] = values[order[0]]) then
            fail
                name
                $"the column is {invariant values[order[0]]} in all {order.Length} cells, so it explains nothing; leave it out"

        Values.Numbers values

    let private covariate (cells: Cells) (order: int[]) word =
        let name, isFactor = read word
        let column = Cells.column name cells |> CoExprError.unwrap
        let rows = Table.rows cells.CellTable

        let ofNumbers values =
            if isFactor then
                requireComplete cells name column order
                levels name column order rows
            else
                numbers cells name values order

        {
            Name = name
            Values =
                match column with
                | Column.Float values -> ofNumbers values
                | Column.Integer(values, _) ->
                    requireComplete cells name column order
                    ofNumbers (Array.map float values)
                | _ ->
                    requireComplete cells name column order
                    levels name column order rows
        }

    let private centred (order: int[]) rows (value: int -> float) =
        let mutable sum = 0.0

        for cell in order do
            sum <- sum + value cell

        let mean = sum / float order.Length
        let column = Array.create rows nan

        for cell in order do
            column[cell] <- value cell - mean

        column

    /// All levels but the first, or the numbers.
    let private expand (order: int[]) rows covariate =
        match covariate.Values with
        | Values.Numbers values -> [| covariate.Name, centred order rows (fun cell -> values[cell]) |]
        | Values.Levels(levels, codes) -> [|
            for level in 1 .. levels.Length - 1 ->
                $"{covariate.Name}_{levels[level]}",
                centred order rows (fun cell -> if codes[cell] = level then 1.0 else 0.0)
          |]

    let private strataOf (order: int[]) rows (covariates: Covariate[]) (columns: float[][]) =
        let codes =
            covariates
            |> Array.choose (fun covariate ->
                match covariate.Values with
                | Values.Levels(_, codes) -> Some codes
                | Values.Numbers _ -> None)

        if codes.Length < covariates.Length || codes.Length = 0 then
            None
        else
            let number = Collections.Generic.Dictionary<string, int>()
            let stratumOf = Array.create rows -1
            let values = ResizeArray<float>()

            for cell in Array.sort order do
                let key = codes |> Array.map (fun code -> string code[cell]) |> String.concat " "

                if number.TryAdd(key, number.Count) then
                    for column in columns do
                        values.Add column[cell]

                stratumOf[cell] <- number[key]

            Some(stratumOf, values.ToArray())

    /// What is left of a column after its mean in each group is taken away.
    let private withinGroups (groups: Groups) (column: float[]) =
        let left = Array.zeroCreate<float> groups.Order.Length

        for group in 0 .. groups.Labels.Length - 1 do
            let first, next = groups.Starts[group], groups.Starts[group + 1]
            let mutable sum = 0.0

            for at in first .. next - 1 do
                sum <- sum + column[groups.Order[at]]

            for at in first .. next - 1 do
                left[at] <- column[groups.Order[at]] - sum / float (next - first)

        left

    let private product (a: float[]) (b: float[]) =
        let mutable sum = 0.0

        for at in 0 .. a.Length - 1 do
            sum <- sum + a[at] * b[at]

        sum

    /// Takes the projections on orthonormal columns away, twice, since once leaves rounding behind.
    let private orthogonal (basis: ResizeArray<float[]>) (column: float[]) =
        let left = Array.copy column

        for _ in 1..2 do
            for one in basis do
                let inner = product one left

                for at in 0 .. left.Length - 1 do
                    left[at] <- left[at] - inner * one[at]

        left

    let private some (names: string seq) =
        let names = Seq.toArray names

        if names.Length <= 3 then
            String.Join(", ", names)
        else
            String.Join(", ", names[..2]) + $" and {names.Length - 3} more"

    /// The levels of a factor, and the groups with cells in them, in sets that share neither.
    let private components (groups: Groups) levels (codes: int[]) =
        let parent = Array.init (Array.length levels + groups.Labels.Length) id

        let rec root at =
            if parent[at] = at then at else root parent[at]

        for group in 0 .. groups.Labels.Length - 1 do
            for cell in Groups.members group groups do
                let a, b = root codes[cell], root (levels.Length + group)
                parent[max a b] <- min a b

        [| 0 .. levels.Length - 1 |]
        |> Array.groupBy root
        |> Array.map (fun (set, members) ->
            let own =
                [| 0 .. groups.Labels.Length - 1 |]
                |> Array.filter (fun group ->
                    groups.Starts[group + 1] > groups.Starts[group]
                    && root (levels.Length + group) = set)

            members |> Array.map (fun level -> levels[level]), own |> Array.map (fun group -> groups.Labels[group]))

    /// The control's set is told first.
    let private holdsControl (groups: Groups) own =
        match groups.Control with
        | Some control -> Array.contains groups.Labels[control] own
        | None -> false

    let private confounded (groups: Groups) covariate : 'a =
        match covariate.Values with
        | Values.Levels(levels, codes) ->
            let sets =
                components groups levels codes
                |> Array.sortByDescending (fun (_, own) -> struct (holdsControl groups own, own.Length))
                |> Array.map (fun (levels, own) ->
                    let word = if levels.Length = 1 then "level" else "levels"
                    $"{word} {some levels}: {some own}")

            if sets.Length < 2 then
                fail
                    covariate.Name
                    "its levels cannot be told apart from the covariates before it; leave one of them out"

            let shown = String.Join("; ", Array.truncate 4 sets)

            fail
                covariate.Name
                $"it is confounded with the perturbation, because these lie in separate levels only ({shown}). Leave the covariate out, or the cells of the labels that share no level with the control"
        | Values.Numbers values ->
            let shown =
                groups.Labels
                |> Array.mapi (fun group label ->
                    match Groups.members group groups with
                    | [||] -> None
                    | members -> Some $"{label}: {invariant values[members[0]]}")
                |> Array.choose id

            fail
                covariate.Name
                $"it is the same in all cells of each label ({some shown}), so its effect cannot be told apart from the perturbation's; leave it out"

    /// Refuses covariates whose slopes the cells of the groups do not tell apart from intercepts and from each other.
    let private requireRank (groups: Groups) (covariates: Covariate[]) (names: string[]) (columns: float[][]) owner =
        let basis = ResizeArray<float[]>()

        columns
        |> Array.iteri (fun at column ->
            let whole = groups.Order |> Array.map (fun cell -> column[cell])
            let within = withinGroups groups column
            let left = orthogonal basis within
            let size = sqrt (product left left)
            let covariate: Covariate = covariates[Array.get owner at]

            if size <= Independent * sqrt (product whole whole) then
                let levels, parts =
                    match covariate.Values with
                    | Values.Levels(levels, codes) -> true, (components groups levels codes).Length
                    | Values.Numbers _ -> false, 1

                let isFlat =
                    sqrt (product within within) <= Independent * sqrt (product whole whole)

                if parts > 1 || isFlat && not levels then
                    confounded groups covariate
                else
                    let others = names[.. at - 1] |> some

                    fail
                        covariate.Name
                        $"column {names[at]} cannot be told apart from {others} and the perturbations: they are confounded. Leave one of them out"

            basis.Add(left |> Array.map (fun value -> value / size)))

    let private requireDistinct (words: string list) =
        let names = words |> List.map (read >> fst)

        for name in names do
            if name = "" then
                fail (String.Join(",", words)) "the name of a column is missing"

        match names |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(name, count) -> fail name $"the column is named {count} times; name it once"
        | None -> ()

    /// The columns of the cell table as covariates of the cells of these groups. Text, categories and flags are expanded
    /// to a column for each level but the first, in ordinal order; numbers are taken as they are. From every column its
    /// mean is taken away, so that intercepts are those of an average cell.
    ///
    /// Errors: a column that is not there; a value that is missing or not finite, by cell; one value in all cells; more
    /// than 256 columns; a covariate that is confounded with the groups (the labels that lie in some levels only are told)
    /// or with other covariates.
    let create (words: string list) (groups: Groups) (cells: Cells) : Result<CovariateDesign, CoExprError> =
        CoExprError.protect (fun () ->
            requireDistinct words
            let rows = Table.rows cells.CellTable
            let covariates = words |> List.map (covariate cells groups.Order) |> List.toArray
            let expanded = covariates |> Array.map (expand groups.Order rows)
            let count = expanded |> Array.sumBy Array.length

            if count > MostColumns then
                raise (CoExprFailure(CoExprError.TooLarge("columns of covariates", int64 count, int64 MostColumns)))

            let owner =
                expanded
                |> Array.mapi (fun i made -> Array.create made.Length i)
                |> Array.concat

            let names, columns = expanded |> Array.concat |> Array.unzip
            requireRank groups covariates names columns owner

            {
                Names = names
                Columns = columns
                Strata = strataOf groups.Order rows covariates columns
            })
