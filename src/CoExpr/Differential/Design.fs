namespace CoExpr

open System
open CoExpr.Kernels

/// The levels of a factor in a design.
type DesignFactor = {
    Name: string
    /// The first is the reference, unless there is no intercept for it to be in.
    Levels: string[]
    /// Of each level the coefficient that says how it differs from the reference; −1 for the reference itself.
    CoefficientOf: int[]
    /// Of each sample its level.
    Codes: int[]
}

/// A design matrix: how the expected count of each sample depends on the coefficients, on the scale of natural logarithms.
type Design = {
    /// The formula, for messages.
    Text: string
    Samples: string[]
    /// One per coefficient: Intercept, condition_treated_vs_control, age, batchB.conditiontreated.
    Coefficients: string[]
    /// Samples x coefficients, row by row.
    Values: float[]
    Factors: DesignFactor[]
    /// The distinct rows, groups x coefficients, in the order of their first samples.
    Rows: float[]
    /// Of each sample the index of its row among the distinct ones.
    GroupOf: int[]
} with

    /// The number of samples.
    member this.Size = this.Samples.Length

    /// The number of coefficients.
    member this.Width = this.Coefficients.Length

    /// The number of distinct rows.
    member this.Groups = this.Rows.Length / max 1 this.Width

    /// Of each sample, whether it is one of at least so many with the same row of the design: replicates of each other.
    member this.HasReplicates least =
        let sizes = this.GroupOf |> Array.countBy id |> dict
        this.GroupOf |> Array.map (fun group -> sizes[group] >= least)

/// Designs from a formula and a table of samples.
[<RequireQualifiedAccess>]
module Design =

    /// A column of which less than this share is no combination of the columns before it counts as one. Its square is
    /// what is left of a pivot of the normal equations.
    [<Literal>]
    let private Independent = 1e-7

    /// One or more columns of the matrix.
    type private Block = {
        Names: string[]
        /// For interactions: names without "vs".
        Short: string[]
        Columns: float[][]
    }

    let private fail text reason : 'a =
        raise (CoExprFailure(CoExprError.BadOption("design", text, reason)))

    let private columnOf (source: string) (table: Table) name =
        match Table.tryColumn name table with
        | Some column -> column
        | None when table.Columns.Length = 0 ->
            fail
                $"of column {name}"
                $"{source} says nothing of its samples but their names; name a table of the samples (--samples)"
        | None ->
            let present = table.Columns |> Array.map fst |> Array.toList
            raise (CoExprFailure(CoExprError.UnknownLabel($"{source}: column", name, present)))

    let private requireComplete text (table: Table) name column =
        for row in 0 .. Table.rows table - 1 do
            if isNull (Column.text row column) then
                fail
                    text
                    $"column {name} has no value for sample {table.Names[row]}; leave the sample out or fill the value in"

    /// Labels and the levels that occur: in ordinal order, or in their own where they have one.
    let private labels (table: Table) column =
        let texts = Array.init (Table.rows table) (fun row -> Column.text row column)

        let levels =
            match column with
            | Column.Category c when c.Ordered -> c.Levels |> Array.filter (fun level -> Array.contains level texts)
            | _ ->
                texts
                |> Array.distinct
                |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

        texts, levels

    let private referenceFirst text name reference levels =
        match reference with
        | None -> levels
        | Some reference when Array.contains reference levels ->
            Array.append [| reference |] (levels |> Array.filter ((<>) reference))
        | Some reference ->
            raise (
                CoExprFailure(
                    CoExprError.UnknownLabel($"design {text}: level of {name}", reference, Array.toList levels)
                )
            )

    let private factor text (table: Table) name column reference =
        let texts, levels = labels table column
        let levels = referenceFirst text name reference levels

        if levels.Length < 2 then
            let only = Array.tryHead levels |> Option.defaultValue "none"
            fail text $"column {name} has the one level {only} in all samples, so it explains nothing; leave it out"

        levels, texts |> Array.map (fun label -> Array.IndexOf(levels, label))

    /// Mean over standard deviation up to which a column of numbers is taken, and the least standard deviation: beyond, the
    /// column is next to a multiple of the intercept, or the ridge of the regression holds its coefficient.
    let private farthest, private narrowest = 100.0, 1e-3

    let private requireScale text name (values: float[]) =
        let mean = Array.average values

        let spread =
            sqrt (values |> Array.averageBy (fun value -> (value - mean) * (value - mean)))

        let shown (value: float) =
            value.ToString("G4", Globalization.CultureInfo.InvariantCulture)

        if spread < narrowest then
            fail text $"column {name} spreads by {shown spread} alone, too little for the fit; give it in smaller units"
        elif abs mean > farthest * spread then
            fail
                text
                $"column {name} lies around {shown mean} and spreads by {shown spread}: so far from 0 the fit loses its digits; subtract its mean"

    let private numbers text (table: Table) name column =
        let values =
            match column with
            | Column.Float values -> values
            | Column.Integer(values, _) -> values |> Array.map float
            | _ -> invalidOp $"{name} is no column of numbers"

        match values |> Array.tryFindIndex (Double.IsFinite >> not) with
        | Some at -> fail text $"column {name} is {values[at]} for sample {table.Names[at]}, which is no number"
        | None -> ()

        if values |> Array.forall ((=) values[0]) then
            fail text $"column {name} is {values[0]} in all samples, so it explains nothing; leave it out"

        requireScale text name values
        values

    let private isNumeric variable column =
        match column with
        | Column.Float _
        | Column.Integer _ -> not variable.IsFactor
        | _ -> false

    let private indicator codes level =
        codes |> Array.map (fun code -> if code = level then 1.0 else 0.0)

    /// All levels but the reference; all of them where nothing else holds the reference.
    let private factorBlock name (levels: string[]) codes keepsReference =
        let kept = [| (if keepsReference then 0 else 1) .. levels.Length - 1 |]

        {
            Names =
                kept
                |> Array.map (fun level ->
                    if keepsReference then
                        $"{name}_{levels[level]}"
                    else
                        $"{name}_{levels[level]}_vs_{levels[0]}")
            Short = kept |> Array.map (fun level -> name + levels[level])
            Columns = kept |> Array.map (indicator codes)
        }

    let private numberBlock name values = {
        Names = [| name |]
        Short = [| name |]
        Columns = [| values |]
    }

    /// Every column of the one times every column of the other, the first changing fastest.
    let private product a b =
        let pairs make = [|
            for j in 0 .. b.Columns.Length - 1 do
                for i in 0 .. a.Columns.Length - 1 -> make i j
        |]

        let names = pairs (fun i j -> a.Short[i] + "." + b.Short[j])

        {
            Names = names
            Short = names
            Columns = pairs (fun i j -> Array.map2 (*) a.Columns[i] b.Columns[j])
        }

    let private norm (values: float[]) =
        sqrt (values |> Array.sumBy (fun v -> v * v))

    /// What is left of a column after its projections on orthonormal ones; twice, since once leaves rounding behind.
    let private residual (basis: ResizeArray<float[]>) (column: float[]) =
        let left = Array.copy column

        for _ in 1..2 do
            for one in basis do
                let inner = (0.0, one, left) |||> Array.fold2 (fun sum a b -> sum + a * b)

                for at in 0 .. left.Length - 1 do
                    left[at] <- left[at] - inner * one[at]

        left

    /// The columns that a dependent one is a combination of: coefficients of its least squares fit that are not 0.
    let private parts (columns: float[][]) earlier (column: float[]) =
        let size = Array.length earlier

        let inner (a: float[]) (b: float[]) =
            Array.fold2 (fun sum x y -> sum + x * y) 0.0 a b

        let matrix =
            Array.init (size * size) (fun at -> inner columns[earlier[at / size]] columns[earlier[at % size]])

        let solution = earlier |> Array.map (fun at -> inner columns[at] column)

        if SymmetricSystem.Factor(matrix.AsSpan(), size) then
            SymmetricSystem.Solve(matrix, size, solution.AsSpan())

        earlier
        |> Array.indexed
        |> Array.filter (fun (at, which) -> abs solution[at] * norm columns[which] > 1e-6 * norm column)
        |> Array.map snd

    let private requireRank text (names: string[]) (columns: float[][]) =
        let basis = ResizeArray<float[]>()

        columns
        |> Array.iteri (fun at column ->
            let left = residual basis column
            let size = norm left

            if size <= Independent * norm column then
                let others =
                    parts columns [| 0 .. at - 1 |] column
                    |> Array.map (fun i -> names[i])
                    |> String.concat ", "

                if others = "" then
                    fail text $"coefficient {names[at]} is 0 in all samples; no sample has this combination of levels"

                fail
                    text
                    $"coefficient {names[at]} cannot be told apart from {others}: the columns are confounded. Leave one of them out, or combine them into one column"

            basis.Add(left |> Array.map (fun v -> v / size)))

    let private requireSamples text samples width =
        if samples < width then
            fail text $"{width} coefficients cannot be estimated from {samples} samples; leave terms out"

    let private grouped (values: float[]) width samples =
        let seen = Collections.Generic.Dictionary<string, int>()
        let rows = ResizeArray<float>()

        let groupOf =
            Array.init samples (fun sample ->
                let row = values[sample * width .. sample * width + width - 1]

                let key =
                    String.Join(" ", row |> Array.map (fun v -> (BitConverter.DoubleToInt64Bits(v + 0.0)).ToString()))

                if seen.TryAdd(key, seen.Count) then
                    rows.AddRange row

                seen[key])

        rows.ToArray(), groupOf

    let private assemble text samples (names: string[]) (columns: float[][]) factors =
        let size, width = Array.length samples, columns.Length
        requireSamples text size width
        requireRank text names columns
        let values = Array.init (size * width) (fun at -> columns[at % width][at / width])
        let rows, groupOf = grouped values width size

        {
            Text = text
            Samples = samples
            Coefficients = names
            Values = values
            Factors = factors
            Rows = rows
            GroupOf = groupOf
        }

    let private intercept samples = {
        Names = [| "Intercept" |]
        Short = [| "Intercept" |]
        Columns = [| Array.create samples 1.0 |]
    }

    /// The variable's own columns, and its levels if it is a factor.
    let private variableBlock source text references keepsReference (table: Table) variable =
        let column = columnOf source table variable.Column
        requireComplete text table variable.Column column

        if isNumeric variable column then
            numberBlock variable.Column (numbers text table variable.Column column), None
        else
            let reference =
                references
                |> List.tryPick (fun (n, l) -> if n = variable.Column then Some l else None)

            let levels, codes = factor text table variable.Column column reference
            factorBlock variable.Column levels codes keepsReference, Some(levels, codes)

    /// The block of each term, the first factor keeping its reference where there is no intercept.
    let private blocks source references (formula: Formula) (table: Table) =
        let mutable keeps = not formula.HasIntercept

        formula.Terms
        |> List.map (fun term ->
            let made =
                term
                |> List.map (fun variable ->
                    let single = List.length term = 1

                    let block, levels =
                        variableBlock source formula.Text references (keeps && single) table variable

                    if single && levels.IsSome then
                        keeps <- false

                    block, levels)

            let block = made |> List.map fst |> List.reduce product

            let levels =
                match term, made with
                | [ variable ], [ _, Some(levels, codes) ] -> Some(variable.Column, levels, codes)
                | _ -> None

            block, levels)

    let private factorsOf (first: int) made =
        let mutable at = first

        [|
            for block, levels in made do
                match levels with
                | Some(name, levels: string[], codes) ->
                    let skipped = levels.Length - Array.length block.Columns

                    {
                        Name = name
                        Levels = levels
                        CoefficientOf =
                            Array.init levels.Length (fun level -> if level < skipped then -1 else at + level - skipped)
                        Codes = codes
                    }
                | None -> ()

                at <- at + Array.length block.Columns
        |]

    let private requireReferencesUsed text references (formula: Formula) =
        let used =
            formula.Terms |> List.concat |> List.map (fun v -> v.Column) |> List.distinct

        for name, _ in references do
            if not (List.contains name used) then
                raise (CoExprFailure(CoExprError.UnknownLabel($"design {text}: reference of column", name, used)))

    /// The design of a formula over a table of samples, one row per sample.
    ///
    /// Columns of text, categories and flags are factors, columns of numbers covariates. A factor of k levels gives k − 1
    /// columns against its first level: the one named in `references` (column, level), else the first in ordinal order
    /// (of ordered categories: in their own). `source` is where the table is from, for messages.
    ///
    /// Errors: a column or level that is not there; a missing value; a column that is the same in all samples; more
    /// coefficients than samples; columns that are confounded, with the names of those that are.
    let create (source: string) references (formula: Formula) (table: Table) : Result<Design, CoExprError> =
        CoExprError.protect (fun () ->
            requireReferencesUsed formula.Text references formula
            let samples = Table.rows table
            let made = blocks source references formula table

            let all =
                (if formula.HasIntercept then [ intercept samples ] else []) @ List.map fst made

            if all.IsEmpty then
                fail formula.Text "neither an intercept nor a term is left"

            let names = all |> List.toArray |> Array.collect (fun block -> block.Names)
            let columns = all |> List.toArray |> Array.collect (fun block -> block.Columns)
            let factors = factorsOf (if formula.HasIntercept then 1 else 0) made
            assemble formula.Text table.Names names columns factors)

    /// A design from a matrix of one's own, samples x coefficients row by row. UnequalLengths where it has another size;
    /// BadOption where its columns are not independent.
    let ofMatrix (samples: string[]) (coefficients: string[]) (values: float[]) : Result<Design, CoExprError> =
        CoExprError.protect (fun () ->
            let width = coefficients.Length

            if values.Length <> samples.Length * width then
                let expected = int64 samples.Length * int64 width
                raise (CoExprFailure(CoExprError.UnequalLengths("values of the design", expected, values.LongLength)))

            let columns =
                Array.init width (fun j -> Array.init samples.Length (fun i -> values[i * width + j]))

            assemble "matrix" samples coefficients columns [||])

    /// Whether every column of the one design is a combination of columns of the other, over the same samples.
    let isWithin (full: Design) (reduced: Design) =
        let columns (design: Design) =
            Array.init design.Width (fun j -> Array.init design.Size (fun i -> design.Values[i * design.Width + j]))

        let basis = ResizeArray<float[]>()

        for column in columns full do
            let left = residual basis column
            let size = norm left
            basis.Add(left |> Array.map (fun v -> v / size))

        columns reduced
        |> Array.forall (fun column -> norm (residual basis column) <= Independent * norm column)
