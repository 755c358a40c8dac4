(**
# Is a predicted response any good?

A screen is simulated, of which half the cells are what a model must predict. Four predictions are scored against them: the
other half (as good as a prediction can be), one in which a third of the labels are mixed up, the mean response, and the
control pasted for every perturbation. Run it with

    dotnet fsi docs/evaluation.fsx

after `dotnet fsi build.fsx build`. What the measures are is in docs/evaluation.md.
*)
#if PACKAGE
#r "nuget: CoExpr, 0.1.0"
#else
#r "../src/CoExpr/bin/Release/net10.0/MathNet.Numerics.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Kernels.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.Hdf5.dll"
#r "../src/CoExpr/bin/Release/net10.0/CoExpr.dll"
#endif

open System.IO
open CoExpr

/// The value, or the end of the script with a sentence on what is wrong.
let orStop result =
    match result with
    | Ok value -> value
    | Error error ->
        eprintfn $"{CoExprError.describe error}"
        exit 2

(**
## A screen

24 perturbations and a control over 300 genes, 6,000 cells. Your own would come from
`CoExpr.IO.Input.read CoExpr.IO.Input.standard "real.h5ad"`.
*)
let screen =
    (Simulation.run {
        SimulationOptions.defaults with
            Cells = 6000
            Genes = 300
            Abundance = SimulatedAbundance.Density 0.4
            Perturbations = {
                SimulationOptions.defaults.Perturbations with
                    Count = 24
                    AffectedFraction = 0.1
            }
     }
     |> orStop)
        .Cells

/// Distances leave out all target genes: with that of a row alone, one response for all finds itself (docs/evaluation.md).
let options = {
    Evaluation.defaults with
        Sides = {
            Evaluation.defaults.Sides with
                Column = "perturbation"
        }
        Discrimination = {
            Discrimination.defaults with
                Exclusion = TargetExclusion.Panel
        }
}

let groups =
    Groups.create [ "perturbation" ] (Some options.Sides.Control) screen |> orStop

let real, otherHalf =
    Ceiling.halves CeilingHalves.Disjoint 1UL groups screen |> orStop

(**
## Predictions

The same cells with other labels, and cells of the mean profile.
*)
let relabelled (change: string -> string) (cells: Cells) =
    let column = Cells.column "perturbation" cells |> orStop

    let labels =
        Array.init cells.Counts.Cells (fun cell -> change (Column.text cell column))

    {
        cells with
            CellTable = cells.CellTable |> Table.withColumn "perturbation" (Column.categories labels)
    }

let perturbations = groups.Labels |> Array.filter ((<>) options.Sides.Control)

let mixedUp label =
    match Array.tryFindIndex ((=) label) perturbations with
    | Some at when at % 3 = 0 -> perturbations[(at + 3) % perturbations.Length]
    | _ -> label

/// Every cell a control cell, whatever its label: labels are dealt to the controls in turn.
let pasted =
    let controls = Groups.members groups.Control.Value groups

    let cells =
        Cells.takeCells (Array.init (50 * groups.Labels.Length) (fun cell -> controls[cell % controls.Length])) screen

    let labels = Array.init cells.Counts.Cells (fun cell -> groups.Labels[cell / 50])

    {
        cells with
            CellTable = cells.CellTable |> Table.withColumn "perturbation" (Column.categories labels)
    }

let meanResponse =
    MeanResponse.cells MeanOf.AllLabels None options.Sides real |> orStop

(**
## Scores

The real side is summed, tested and measured once. Tables of differential expression are made here, by rank-sum tests as
cell-eval makes them.
*)
let side =
    RealSide.create Progress.none (Some OwnTables.rankSum) options real |> orStop

let models =
    [|
        "other half", otherHalf
        "mixed up", relabelled mixedUp otherHalf
        "mean response", meanResponse
        "control", pasted
    |]
    |> Array.map (fun (name, cells) -> name, RealSide.evaluate Progress.none options side None cells |> orStop)

let shown = [
    "pearson_delta"
    "mae"
    "discrimination_score_cosine"
    "overlap_at_N"
    "pearson_edistance"
]

let comparison =
    models
    |> Array.map (fun (name, found) -> Comparison.ofResult name found.Result)
    |> Comparison.compute 2 Intervals.defaults None
    |> orStop

for model, values in Array.zip comparison.Models comparison.Values do
    printfn $"{model.Name}"

    for name in shown do
        let interval = values |> Array.find (fun interval -> interval.Name = name)
        printfn $"  %-28s{name} %6.3f{interval.Value}  [%.3f{interval.Low}, %.3f{interval.High}]"

(**
## Differences

Draws of perturbations are the same for both models, so that what makes a perturbation hard for both does not count: a
difference can be sure where the intervals of the two models overlap.
*)
for one in comparison.Differences do
    if one.Interval.Name = "discrimination_score_cosine" then
        printfn
            $"{one.Model} less {one.Against}: %.3f{one.Interval.Value} [%.3f{one.Interval.Low}, %.3f{one.Interval.High}] {Comparison.verdictName one.Verdict}"

(**
## Warnings

No score stands alone: by mean absolute error the mean response is here better than a model that is right for two of three
perturbations. What gives predictions away is said.
*)
for name, found in models do
    for words in found.Result.Warnings do
        printfn $"{name}: {words}"

(**
## A page with figures

All of it as one page that opens without a network.
*)
let page =
    EvaluationReport.page "simulated screen" [] {
        Models = [|
            for name, found in models ->
                {
                    ReportedModel.Name = name
                    Result = found.Result
                    Intervals = Intervals.ofResult 2 Intervals.defaults found.Result
                    Tables = found.Tables
                }
        |]
        Baseline = None
        Ceiling =
            Some(
                Ceiling.evaluate Progress.none CeilingHalves.Disjoint 2UL side.Test options real
                |> orStop
            )
        Differences = comparison.Differences
    }

let file = Path.Combine(Path.GetTempPath(), "coexpr-evaluation.html")
File.WriteAllText(file, page)
printfn $"{file}"
