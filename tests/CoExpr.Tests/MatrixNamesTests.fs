namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr.IO

module MatrixNamesTests =

    [<Test>]
    let ``repeated names get numbers that are not taken, as in anndata`` () =
        Expect.equal
            [| "a"; "b"; "a-2"; "a-1"; "a-3"; "b-1" |]
            (MatrixNames.unique [| "a"; "b"; "a"; "a-1"; "a"; "b" |])

    [<Property>]
    let ``made unique they are so, and unique ones stay`` (names: byte list) =
        let names = names |> List.map (fun name -> $"{name % 4uy}") |> List.toArray
        let made = MatrixNames.unique names

        Array.distinct made = made
        && MatrixNames.unique made = made
        && made.Length = names.Length

    [<Test>]
    let ``names of a file without names`` () =
        Expect.equal [| "cell_1"; "cell_2" |] (MatrixNames.rows RowsAre.Cells 2)
        Expect.equal [| "gene_1"; "gene_2" |] (MatrixNames.columns RowsAre.Cells 2)
        Expect.equal [| "gene_1" |] (MatrixNames.rows RowsAre.Genes 1)
        Expect.equal [| "cell_1" |] (MatrixNames.columns RowsAre.Genes 1)
