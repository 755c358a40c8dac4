namespace CoExpr.Tests

open NUnit.Framework
open CoExpr
open CoExpr.IO

module TenXTests =

    let private v1 = "native/10x_v1_filtered_gene_bc_matrices.h5"
    let private v3 = "native/10x_v3_filtered_feature_bc_matrix.h5"

    // Counted with h5py: shape, data and barcodes of both files.
    [<TestCase("native/10x_v1_filtered_gene_bc_matrices.h5", 12, 343, 12L, 12.0, "AACACGTGTACGCTGC-1", "DSCAM")>]
    [<TestCase("native/10x_v3_filtered_feature_bc_matrix.h5",
               1107,
               507,
               23866L,
               41549.0,
               "AAACCCAAGGAGAGTA-1",
               "CH507-9B2.2")>]
    let ``both versions are read``
        (name: string)
        cells
        genes
        (entries: int64)
        (sum: float)
        (cell: string)
        (gene: string)
        =
        let read = TenX.read ReadOptions.standard (TestData.require name) |> Expect.ok
        Assert.That((read.Counts.Cells, read.Counts.Genes, read.Counts.Entries), Is.EqualTo((cells, genes, entries)))
        Assert.That(Array.sumBy float read.Counts.ByCell.Values, Is.EqualTo sum)
        Assert.That((read.CellTable.Names[0], read.GeneTable.Names[0]), Is.EqualTo((cell, gene)))

    [<Test>]
    let ``features of version 3 have identifiers, types and a genome`` () =
        let read = TenX.read ReadOptions.standard (TestData.require v3) |> Expect.ok
        let first = [ for name, column in read.GeneTable.Columns -> name, Column.text 0 column ]

        Assert.That(
            first,
            Is.EqualTo<(string * string) list> [
                "gene_ids", "ENSG00000279493"
                "feature_types", "Gene Expression"
                "genome", "GRCh38_chr21"
            ]
        )

    [<Test>]
    let ``contents have the shape and the columns`` () =
        let contents = TenX.contents (TestData.require v3) |> Expect.ok
        Assert.That((contents.Format, contents.Cells, contents.Genes), Is.EqualTo(("10x version 3", 1107L, 507L)))
        Assert.That(contents.GeneColumns |> List.map _.Levels, Is.EqualTo<int64 option list> [ None; Some 1L; Some 1L ])

    [<Test>]
    let ``files of 10x and of AnnData are told apart`` () =
        Assert.That(TenX.isTenX (TestData.require v1) |> Expect.ok, Is.True)
        Assert.That(TenX.isTenX (TestData.require v3) |> Expect.ok, Is.True)
        let anndata = TestData.require "native/anndata_v0.7.0.h5ad"
        Assert.That(TenX.isTenX anndata |> Expect.ok, Is.False)

        match TenX.read ReadOptions.standard anndata with
        | Error(CoExprError.UnknownFormat _) -> ()
        | other -> Assert.Fail $"{other}"

    [<Test>]
    let ``there are no layers`` () =
        let options = {
            ReadOptions.standard with
                Matrix = MatrixChoice.Layer "spliced"
        }

        match TenX.read options (TestData.require v3) with
        | Error(CoExprError.MissingPart _) -> ()
        | other -> Assert.Fail $"{other}"
