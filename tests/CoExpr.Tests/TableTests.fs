namespace CoExpr.Tests

open System
open FsCheck
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module TableTests =

    let private columns = [|
        "text", Column.Text [| "x"; null; "z" |]
        "kind", Column.categories [| "b"; null; "a" |]
        "number", Column.Float [| 0.1; nan; -2.0 |]
        "whole", Column.Integer([| 1L; 2L; -3L |], [| false; true; false |])
        "flag", Column.Flag([| true; false; true |], [||])
    |]

    let private table = {
        Names = [| "r0"; "r1"; "r2" |]
        Columns = columns
    }

    [<Test>]
    let ``values are shown as text, and missing ones are null`` () =
        let shown row =
            columns |> Array.map (fun (_, column) -> Column.text row column)

        Expect.equal [| "x"; "b"; "0.1"; "1"; "True" |] (shown 0)
        Expect.equal [| null; null; null; null; "False" |] (shown 1)
        Expect.equal [| "z"; "a"; "-2"; "-3"; "True" |] (shown 2)

    [<Test>]
    let ``kinds and lengths`` () =
        Expect.equal [| "text"; "category"; "float"; "integer"; "flag" |] (columns |> Array.map (snd >> Column.kind))
        Expect.equal [| 3; 3; 3; 3; 3 |] (columns |> Array.map (snd >> Column.length))

    [<Test>]
    let ``levels are in ordinal order, whatever the order of the labels`` () =
        match Column.categories [| "b"; "a"; "B"; null; "b" |] with
        | Column.Category categories ->
            Expect.equal [| "B"; "a"; "b" |] categories.Levels
            Expect.equal [| 2; 1; 0; -1; 2 |] categories.Codes
        | other -> Assert.Fail $"{other}"

    [<Property>]
    let ``numbers shown as text read back`` (value: float) =
        match Column.text 0 (Column.Float [| value |]) with
        | null -> Double.IsNaN value
        | text -> Double.Parse(text, Globalization.CultureInfo.InvariantCulture) = value

    [<Property>]
    let ``taking rows takes them of every column`` (picks: NonNegativeInt list) =
        let order =
            picks |> List.map (fun (NonNegativeInt pick) -> pick % 3) |> List.toArray

        let taken = Table.take order table

        taken.Names = Array.map (Array.get table.Names) order
        && Array.forall2
            (fun (_, before) (_, after) ->
                Array.init order.Length (fun row -> Column.text row after) =
                    Array.map (fun row -> Column.text row before) order)
            table.Columns
            taken.Columns

    [<Test>]
    let ``a column is added at the end, or replaced where it is`` () =
        let names table = table.Columns |> Array.map fst
        let ones = Column.Float [| 1.0; 1.0; 1.0 |]
        Expect.equal (Array.append (names table) [| "new" |]) (names (Table.withColumn "new" ones table))
        let replaced = Table.withColumn "kind" ones table
        Expect.equal (names table) (names replaced)
        Expect.equal (Some ones) (Table.tryColumn "kind" replaced)
        Expect.equal None (Table.tryColumn "absent" table)

    [<Test>]
    let ``a column of another length is a bug`` () =
        Expect.raises<ArgumentException>(fun () -> Table.withColumn "x" (Column.Float [| 1.0 |]) table |> ignore)
