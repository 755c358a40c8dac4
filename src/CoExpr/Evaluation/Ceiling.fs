namespace CoExpr

open System

/// How a set of cells is taken twice, to see how well a perfect prediction could score.
[<RequireQualifiedAccess>]
type CeilingHalves =
    /// Two draws with replacement, each as large as the group, as cell-eval has it. The draws share cells, which flatters.
    | WithReplacement
    /// Two halves that share no cell: what scores of half the cells, and so falls short.
    | Disjoint

/// What the real cells say of themselves: one half is evaluated as a prediction of the other.
[<RequireQualifiedAccess>]
module Ceiling =

    let private drawn = Purpose.named "ceiling"

    let private withReplacement (stream: RandomStream) (cells: int[]) =
        let take () =
            Array.init cells.Length (fun _ -> cells[stream.Below cells.Length])

        let first = take ()
        first, take ()

    let private disjoint (stream: RandomStream) (cells: int[]) =
        let order = stream.Permutation cells.Length |> Array.map (fun place -> cells[place])

        Array.splitAt (cells.Length / 2) order

    let private requireTwo source (groups: Groups) =
        groups.Labels
        |> Array.indexed
        |> Array.tryPick (fun (group, label) ->
            match groups.Starts[group + 1] - groups.Starts[group] with
            | cells when cells < 2 ->
                Some(
                    CoExprError.TooFew(
                        $"cells of {label} in {source}",
                        int64 cells,
                        2L,
                        "Halves that share no cell need two of each; draw with replacement, or leave it out."
                    )
                )
            | _ -> None)
        |> function
            | Some error -> Error error
            | None -> Ok()

    /// Cells with new names, since drawing repeats some.
    let private take (cells: Cells) (rows: int[]) =
        let taken = Cells.takeCells rows cells

        {
            taken with
                CellTable = {
                    taken.CellTable with
                        Names = Array.init rows.Length (fun row -> $"{row}")
                }
        }

    /// Two sets of cells with the same labels. A group's draw depends on the seed and its place among the labels alone.
    let halves how (seed: uint64) (groups: Groups) (cells: Cells) : Result<Cells * Cells, CoExprError> =
        let draw group =
            let stream = Random.stream seed drawn group
            let own = Groups.members group groups

            match how with
            | CeilingHalves.WithReplacement -> withReplacement stream own
            | CeilingHalves.Disjoint -> disjoint stream own

        let check =
            match how with
            | CeilingHalves.WithReplacement -> Ok()
            | CeilingHalves.Disjoint -> requireTwo cells.Source groups

        check
        |> Result.map (fun () ->
            let first, second = Array.init groups.Labels.Length draw |> Array.unzip

            take cells (Array.concat first), take cells (Array.concat second))

    /// What a correlation of halves comes to for the whole: 2 r / (1 + r) (Spearman 1910; Brown 1910); NaN for r ≤ 0, of which
    /// it says nothing.
    let spearmanBrown correlation =
        if correlation > 0.0 then
            2.0 * correlation / (1.0 + correlation)
        else
            nan

    /// Measures of single perturbations, or of all, that are correlations of one half with the other.
    let correlations = [
        "pearson_delta"
        "pearson_edistance"
        "de_spearman_sig"
        "de_spearman_lfc_sig"
    ]

    /// What a column of a corrected correlation is called.
    let correctedName name = name + "_spearman_brown"

    let private corrected (column: MetricColumn) = {
        column with
            Name = correctedName column.Name
            Values = column.Values |> Array.map spearmanBrown
    }

    /// The result with each correlation of halves once more, for all cells.
    let withCorrected (found: EvaluationResult) = {
        found with
            Columns =
                found.Columns
                |> Array.collect (fun column ->
                    if List.contains column.Name correlations then
                        [| column; corrected column |]
                    else
                        [| column |])
    }

    /// Evaluates one half as a prediction of the other. Measures of tables are taken if a test is chosen. Of halves that share
    /// no cell correlations are also given for all cells, by Spearman's and Brown's formula.
    let evaluate progress how seed test options (cells: Cells) : Result<EvaluationResult, CoExprError> =
        result {
            let! groups =
                Groups.create [ options.Sides.Column ] (Some options.Sides.Control) cells

            let! real, predicted = halves how seed groups cells
            let! side = RealSide.create progress test options real
            let! found = RealSide.evaluate progress options side None predicted

            return
                match how with
                | CeilingHalves.Disjoint -> withCorrected found.Result
                | CeilingHalves.WithReplacement -> found.Result
        }
