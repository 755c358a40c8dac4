namespace CoExpr.Tests

open System.IO
open NUnit.Framework
open System.Text.Json

/// Numbers of scikit-learn 1.2.1 and SciPy 1.10.1 for small partitions, rows and populations.
[<RequireQualifiedAccess>]
module FurtherGolden =

    let private root =
        lazy (JsonDocument.Parse(File.ReadAllText(EvaluationGolden.path "further_expected.json")).RootElement)

    let part (name: string) = root.Value.GetProperty name

    let number (element: JsonElement) (name: string) = element.GetProperty(name).GetDouble()

    let private numbers (element: JsonElement) = [| for one in element.EnumerateArray() -> one.GetDouble() |]

    /// Equal one by one to this difference.
    let near (difference: float) (wanted: float list) (found: seq<float>) =
        let found = List.ofSeq found
        Expect.equal wanted.Length found.Length

        for expected, actual in List.zip wanted found do
            Assert.That(actual, Is.EqualTo(expected).Within difference)

    let row (element: JsonElement) (name: string) = numbers (element.GetProperty name)

    let rows (element: JsonElement) (name: string) = [|
        for one in element.GetProperty(name).EnumerateArray() -> numbers one
    |]
