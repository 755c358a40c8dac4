namespace CoExpr.Tests

open System
open System.IO
open System.Text.Json
open NUnit.Framework
open CoExpr
open CoExpr.IO

/// What cell-eval 0.8.1 gives for random cells, effects with exact ties and tables of differential expression.
[<RequireQualifiedAccess>]
module EvaluationGolden =

    let path name =
        TestData.golden (Path.Combine("evaluation", name))

    let private number (value: JsonElement) =
        if value.ValueKind = JsonValueKind.String then
            nan
        else
            value.GetDouble()

    let private json name =
        JsonDocument.Parse(File.ReadAllText(path name)).RootElement

    /// A measure by perturbation; a scalar is a measure of "".
    let expected name metric =
        let value = (json name).GetProperty(metric: string)

        if value.ValueKind = JsonValueKind.Object then
            [ for one in value.EnumerateObject() -> one.Name, number one.Value ]
        else
            [ "", number value ]

    /// Equal to 1e-10, perturbation by perturbation, and present for the same perturbations. NaN equals NaN.
    let agrees name metric (perturbations: string[]) (column: MetricColumn) =
        let wanted = Map.ofList (expected name metric)

        let at perturbation =
            Map.tryFind perturbation wanted |> Option.orElse (Map.tryFind "" wanted)

        perturbations
        |> Array.iteri (fun row perturbation ->
            match at perturbation with
            | None -> Assert.That(column.IsAbsent[row], $"{metric} of {perturbation} is absent")
            | Some value ->
                Assert.That(column.IsAbsent[row], Is.False, $"{metric} of {perturbation}")

                Assert.That(column.Values[row], Is.EqualTo(value).Within 1e-10, $"{metric} of {perturbation}"))

    let private means name =
        File.ReadAllLines(path name)
        |> Array.map (fun line -> line.Split ',')
        |> fun lines -> lines[0][1..], lines[1..]

    let private bulk name : string[] * MeanProfiles =
        let genes, rows = means name

        genes,
        {
            Labels = rows |> Array.map (fun row -> row[0])
            Cells = rows |> Array.map (fun _ -> 1)
            Genes = genes.Length
            Means =
                rows
                |> Array.collect (fun row -> row[1..] |> Array.map (fun text -> Double.Parse text))
        }

    /// Means of the random cells, in double precision.
    let profiles =
        lazy
            (let genes, real = bulk "random_means_real.csv"
             Effects.profiles "control" genes real (snd (bulk "random_means_pred.csv")))

    let private matrix name =
        Npy.readMatrix Progress.none (path name) |> Expect.ok

    /// Genes, perturbations, predicted and real effects; many of these tie. Perturbations in ordinal order, as cell-eval takes
    /// them: of ties the order decides.
    let ties =
        lazy
            (let names = Npy.readText (path "ties_perts.npy") |> Expect.ok

             let order =
                 Array.init names.Length id
                 |> Array.sortWith (fun a b -> String.CompareOrdinal(names[a], names[b]))

             let rows name =
                 let matrix = matrix name

                 order
                 |> Array.collect (fun row -> Array.sub matrix.Values (row * matrix.Columns) matrix.Columns)

             {|
                 Genes = Npy.readText (path "ties_genes.npy") |> Expect.ok
                 Perturbations = order |> Array.map (fun row -> names[row])
                 Predicted = rows "ties_effects_pred.npy"
                 Real = rows "ties_effects_real.npy"
             |})

    /// A real and a predicted table as cell-eval has them, in single precision.
    let tables prefix =
        let read side =
            DeTableFile.read DePrecision.Single Progress.none (path $"{prefix}_{side}_de.csv.gz")
            |> Expect.ok

        read "real", read "pred"
