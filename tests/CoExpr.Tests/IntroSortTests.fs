namespace CoExpr.Tests

open System
open System.IO
open System.Text.Json
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module IntroSortTests =

    let private cases =
        lazy
            ([|
                let json = File.ReadAllText(EvaluationGolden.path "numpy_argsort.json")

                for one in (JsonDocument.Parse json).RootElement.GetProperty("cases").EnumerateArray() do
                    [|
                        for value in one.GetProperty("values").EnumerateArray() ->
                            if value.ValueKind = JsonValueKind.Null then
                                nan
                            else
                                value.GetDouble()
                    |],
                    [| for place in one.GetProperty("order").EnumerateArray() -> place.GetInt32() |]
            |])

    [<Test>]
    let ``puts equal values in the order of numpy 1.24`` () =
        Assert.That(cases.Value.Length, Is.GreaterThan 30)

        for values, order in cases.Value do
            Expect.equal order (IntroSort.order values)

    [<Test>]
    let ``of sixteen values or fewer is stable`` ([<Range(0, 16)>] count: int) =
        let values = Array.init count (fun at -> float (at * 7 % 3))
        Expect.equal (Array.init count id |> Array.sortBy (fun at -> values[at])) (IntroSort.order values)

    [<Property>]
    let ``is an order`` (values: int8[]) =
        let values = Array.concat (Array.replicate 5 values) |> Array.map float
        let order = IntroSort.order values

        Array.sort order = Array.init values.Length id
        && Array.pairwise order |> Array.forall (fun (a, b) -> values[a] <= values[b])
