namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// A few cells x genes, one row per cell, and the label of each cell, null for none.
type LabelledCells = {
    Values: float32[][]
    Genes: int
    Labels: string[]
} with

    member cells.Count = cells.Labels.Length

[<RequireQualifiedAccess>]
module LabelledCells =

    let private value =
        Gen.frequency [
            6, Gen.constant 0.0f
            3, Gen.choose (1, 4) |> Gen.map float32
            1, Gen.elements [ 0.5f; 1000.0f; 16777215.0f ]
        ]

    let arbitrary =
        gen {
            let! cells = Gen.choose (0, 40)
            let! genes = Gen.choose (0, 6)
            let! values = Gen.arrayOfLength cells (Gen.arrayOfLength genes value)

            let! labels =
                Gen.arrayOfLength cells (Gen.elements [ "a"; "b"; "control"; "d"; null ])

            return {
                Values = values
                Genes = genes
                Labels = labels
            }
        }

    let byCell (cells: LabelledCells) =
        SparseCounts.OfDense(cells.Count, cells.Genes, Array.concat cells.Values)

    let byGene (cells: LabelledCells) =
        SparseCounts.OfGenes(cells.Count, cells.Genes, (byCell cells).ByGene)

    let groups (cells: LabelledCells) =
        let columns = [| "x", Column.Text cells.Labels |]
        let names = Array.init cells.Count string

        let table =
            if cells.Count = 0 then
                Table.ofNames names
            else
                { Names = names; Columns = columns }

        Cells.create "made" (byCell cells) table (Table.ofNames (Array.init cells.Genes string))
        |> Result.bind (fun made ->
            if cells.Count = 0 then
                Ok {
                    Labels = [||]
                    Order = [||]
                    Starts = [| 0 |]
                    Control = None
                }
            else
                Groups.create [ "x" ] None made)
        |> Expect.ok

type ManyLabelledCells =
    static member Any() = Arb.fromGen LabelledCells.arbitrary

[<Properties(Arbitrary = [| typeof<ManyLabelledCells> |])>]
module GroupedGenesTests =

    // Cells 0 to 4, of which 1 has no label; b owns the positions 0 and 1 (cells 0 and 3), c the positions 2 and 3.
    let private few: LabelledCells = {
        Values = [|
            [| 1.0f; 0.0f |]
            [| 9.0f; 9.0f |]
            [| 0.0f; 3.0f |]
            [| 2.0f; 0.0f |]
            [| 5.0f; 7.0f |]
        |]
        Genes = 2
        Labels = [| "b"; null; "c"; "b"; "c" |]
    }

    let private made = [ "by cell", LabelledCells.byCell; "by gene", LabelledCells.byGene ]

    [<Test>]
    let ``lists a gene's entries group by group`` () =
        for _, counts in made do
            let grouped = GroupedGenes.create 1 (counts few) (LabelledCells.groups few)
            Expect.equal [| "b"; "c" |] (grouped.Labels)
            Expect.equal [| 0; 2; 4 |] (grouped.Starts)
            Expect.equal [| 0; 3; 2; 4 |] (grouped.Cells)
            Expect.equal [| 0; 0; 1; 1 |] (grouped.GroupOf)
            Expect.equal [| 0L; 3L; 5L |] (grouped.Genes.Starts)
            Expect.equal [| 0; 1; 3; 2; 3 |] (grouped.Genes.Indices)
            Expect.equal [| 1.0f; 2.0f; 5.0f; 3.0f; 7.0f |] (grouped.Genes.Values)
            Expect.equal 2 (grouped.Size 1)
            Expect.equal [| 0; 2; 3 |] (GroupedGenes.bounds 0 grouped)
            Expect.equal [| 0; 0; 2 |] (GroupedGenes.bounds 1 grouped)

    [<Test>]
    let ``a block shares the entries of the whole`` () =
        let grouped =
            GroupedGenes.create 1 (LabelledCells.byCell few) (LabelledCells.groups few)

        let second = GroupedGenes.block 1 2 grouped
        Expect.equal 1 second.Genes.Lines
        Expect.equal [| 2; 3 |] (second.Genes.IndicesOf(0).ToArray())
        Expect.equal [| 3.0f; 7.0f |] (second.Genes.ValuesOf(0).ToArray())
        Assert.That(second.Genes.Values, Is.SameAs grouped.Genes.Values)
        Expect.equal 0 (GroupedGenes.block 2 2 grouped).Genes.Lines
        Expect.refused "genes 1 to before 3 of 2" (fun () -> GroupedGenes.block 1 3 grouped)

    [<Test>]
    let ``stored zeros are left out`` () =
        let stored () = {
            Starts = [| 0L; 2L; 3L |]
            Indices = [| 0; 1; 0 |]
            Values = [| 0.0f; 4.0f; -0.0f |]
        }

        let groups: Groups = {
            Labels = [| "a" |]
            Order = [| 0; 1 |]
            Starts = [| 0; 2 |]
            Control = None
        }

        for counts in [ SparseCounts.OfCells(2, 2, stored ()); SparseCounts.OfGenes(2, 2, stored ()) ] do
            Expect.equal [| 4.0f |] (GroupedGenes.create 1 counts groups).Genes.Values

    [<Test>]
    let ``groups whose cells do not fit are refused`` () =
        let counts = LabelledCells.byCell few

        let groups order : Groups = {
            Labels = [| "a" |]
            Order = order
            Starts = [| 0; order.Length |]
            Control = None
        }

        Expect.refused "cell 5 is not from 0 to 4" (fun () -> GroupedGenes.create 1 counts (groups [| 1; 5 |]))

        Expect.refused "cell 1 follows cell 3 in group a" (fun () ->
            GroupedGenes.create 1 counts (groups [| 0; 3; 1 |]))

    [<Property>]
    let ``every entry is where its cell and gene say`` (cells: LabelledCells) =
        made
        |> List.forall (fun (_, counts) ->
            let grouped = GroupedGenes.create 2 (counts cells) (LabelledCells.groups cells)

            let expected = [|
                for gene in 0 .. cells.Genes - 1 ->
                    grouped.Cells
                    |> Array.map (fun cell -> cells.Values[cell][gene])
                    |> Array.indexed
                    |> Array.filter (fun (_, value) -> value <> 0.0f)
            |]

            let found = [|
                for gene in 0 .. grouped.Genes.Lines - 1 ->
                    Array.zip (grouped.Genes.IndicesOf(gene).ToArray()) (grouped.Genes.ValuesOf(gene).ToArray())
            |]

            let labels =
                Array.map2 (fun cell group -> cells.Labels[cell] = grouped.Labels[group]) grouped.Cells grouped.GroupOf

            found = expected && Array.forall id labels)

    [<Property>]
    let ``bounds cut a gene's entries at the groups`` (cells: LabelledCells) =
        let grouped =
            GroupedGenes.create 1 (LabelledCells.byCell cells) (LabelledCells.groups cells)

        [ 0 .. cells.Genes - 1 ]
        |> List.forall (fun gene ->
            let bounds = GroupedGenes.bounds gene grouped
            let positions = grouped.Genes.IndicesOf(gene).ToArray()

            [ 0 .. grouped.Labels.Length - 1 ]
            |> List.forall (fun group ->
                positions[bounds[group] .. bounds[group + 1] - 1] =
                    (positions |> Array.filter (fun position -> grouped.GroupOf[position] = group))))

    [<Property>]
    let ``arranged values stand with their cells`` (cells: LabelledCells) =
        let grouped =
            GroupedGenes.create 1 (LabelledCells.byCell cells) (LabelledCells.groups cells)

        GroupedGenes.arrange (Array.init cells.Count id) grouped = grouped.Cells

    // A thread is worth its while from 65,536 entries on, so this takes a large matrix.
    [<TestCase(2)>]
    [<TestCase(5)>]
    let ``is the same for every number of threads and either view`` (threads: int) =
        let random = System.Random 3

        let cells: LabelledCells = {
            Values = Array.init 1000 (fun _ -> Array.init 900 (fun _ -> float32 (max 0 (random.Next 5 - 1))))
            Genes = 900
            Labels = Array.init 1000 (fun _ -> [| "a"; "b"; null; "c" |][random.Next 4])
        }

        let groups = LabelledCells.groups cells
        let expected = GroupedGenes.create 1 (LabelledCells.byCell cells) groups
        Assert.That(expected.Genes.Values.Length, Is.GreaterThan(6 * 65536))

        for _, counts in made do
            Assert.That((GroupedGenes.create threads (counts cells) groups = expected), Is.True)

    // Genes of many entries are laid out by position, those of few are sorted by counting.
    [<Test>]
    let ``a gene's entries are sorted by position, however many`` () =
        let random = System.Random 11

        for cells in [ 1; 15; 16; 17; 100; 1000 ] do
            for share in [ 0.01; 0.03; 0.3; 1.0 ] do
                let groupOf = Array.init cells (fun _ -> random.Next 7)

                let order =
                    [| 0 .. cells - 1 |]
                    |> Array.filter (fun cell -> groupOf[cell] < 5)
                    |> Array.sortBy (fun cell -> groupOf[cell], cell)

                let positionOf = Array.create cells CoExpr.Kernels.GroupOrder.None
                order |> Array.iteri (fun position cell -> positionOf[cell] <- position)

                let entries =
                    [| 0 .. cells - 1 |] |> Array.filter (fun _ -> random.NextDouble() < share)

                let values =
                    entries |> Array.map (fun _ -> [| 0.0f; 1.0f; -2.5f; nanf |][random.Next 4])

                let expected =
                    Array.zip entries values
                    |> Array.choose (fun (cell, value) ->
                        if value <> 0.0f && positionOf[cell] >= 0 then
                            Some(positionOf[cell], value)
                        else
                            None)
                    |> Array.sortBy fst

                let laid = Array.zeroCreate<float32> order.Length

                let positions, moved =
                    Array.zeroCreate<int> expected.Length, Array.zeroCreate<float32> expected.Length

                CoExpr.Kernels.GroupOrder.Sort(
                    ReadOnlySpan entries,
                    ReadOnlySpan values,
                    ReadOnlySpan positionOf,
                    ReadOnlySpan groupOf,
                    Array.zeroCreate<int>(8).AsSpan(),
                    laid.AsSpan(),
                    positions.AsSpan(),
                    moved.AsSpan()
                )

                Expect.equal (expected |> Array.map fst) positions

                Expect.equal
                    (expected |> Array.map (snd >> BitConverter.SingleToInt32Bits))
                    (moved |> Array.map BitConverter.SingleToInt32Bits)

                Assert.That(laid |> Array.forall ((=) 0.0f))
