namespace CoExpr

open System

/// Which mean profiles the mean response is the mean of.
[<RequireQualifiedAccess>]
type MeanOf =
    /// Perturbations and control alike, as cell-eval's baseline has it.
    | AllLabels
    /// Perturbations alone.
    | Perturbations

/// The baseline that predicts the same response for every perturbation: the mean of the mean profiles.
[<RequireQualifiedAccess>]
module MeanResponse =

    /// The mean over labels, each with the same weight: one value per gene.
    let profile which control (bulk: MeanProfiles) =
        let rows = [|
            for group in 0 .. bulk.Labels.Length - 1 do
                if which = MeanOf.AllLabels || bulk.Labels[group] <> control then
                    group
        |]

        Array.init bulk.Genes (fun gene -> rows |> Array.averageBy (fun row -> bulk.Means[row * bulk.Genes + gene]))

    let private copies (profile: float[]) count =
        let present =
            [| 0 .. profile.Length - 1 |] |> Array.filter (fun gene -> profile[gene] <> 0.0)

        let values = present |> Array.map (fun gene -> float32 profile[gene])
        Array.replicate count (present, values)

    /// Entries that an array holds.
    let private requireRoom cells genes =
        let entries = int64 cells * int64 genes

        if entries > int64 Array.MaxLength then
            Error(CoExprError.TooLarge("entries of the baseline", entries, int64 Array.MaxLength))
        else
            Ok()

    /// Cells of the baseline, on the scale of logarithms: each perturbation gets copies of the profile, as many as it has cells
    /// (or `copiesOfEach`), and the control keeps its own cells. Errors: no such column or control, values outside their scale,
    /// more entries than an array holds.
    let cells which (copiesOfEach: int option) (options: SideOptions) (real: Cells) : Result<Cells, CoExprError> =
        result {
            let! groups = Groups.create [ options.Column ] (Some options.Control) real
            let! scale = ExpressionScale.settle false options.Values real
            let same = Array.init real.Counts.Genes id
            let values = ExpressionScale.values scale same real.Counts

            let bulk = MeanProfiles.compute options.Threads groups values
            let profile = profile which options.Control bulk

            let count group =
                if groups.Labels[group] = options.Control then
                    bulk.Cells[group]
                else
                    defaultArg copiesOfEach bulk.Cells[group]

            let counts = Array.init groups.Labels.Length count
            do! requireRoom (Array.sum counts) real.Counts.Genes

            let rows =
                Array.init groups.Labels.Length (fun group ->
                    if groups.Labels[group] = options.Control then
                        ExpressionScale.rows values (Groups.members group groups)
                    else
                        copies profile counts[group])

            let labels =
                Array.init groups.Labels.Length (fun group -> Array.replicate counts[group] groups.Labels[group])
                |> Array.concat

            let table =
                Table.ofNames (Array.init labels.Length (fun cell -> $"cell.{cell}"))
                |> Table.withColumn options.Column (Column.categories labels)

            let matrix = ExpressionScale.matrix real.Counts.Genes (Array.concat rows)

            return! Cells.create "the mean response" matrix table (Table.ofNames real.GeneTable.Names)
        }
