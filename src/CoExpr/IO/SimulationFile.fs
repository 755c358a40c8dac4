namespace CoExpr.IO

open System.IO
open CoExpr

/// Simulated cells as files: the cells as .h5ad, and what is true of them as tables beside it.
[<RequireQualifiedAccess>]
module SimulationFile =

    let private moduleTable (members: ModuleMember[]) =
        [ "module"; "gene"; "sign"; "strength" ],
        fun (writer: DelimitedWriter) ->
            for entry in members do
                writer.Text entry.Module
                writer.Text entry.Gene
                writer.Integer(int64 entry.Sign)
                writer.Number entry.Strength
                writer.EndRow()

    let private effectTable (effects: PerturbationEffect[]) =
        [
            "perturbation"
            "gene"
            "log2_fold_change"
            "expected_log2_fold_change"
            "is_target"
        ],
        fun (writer: DelimitedWriter) ->
            for effect in effects do
                writer.Text effect.Perturbation
                writer.Text effect.Gene
                writer.Number effect.Log2FoldChange
                writer.Number effect.ExpectedLog2FoldChange
                writer.Flag effect.IsTarget
                writer.EndRow()

    let private markerTable (markers: GroupMarker[]) =
        [ "group"; "gene"; "log2_fold_change" ],
        fun (writer: DelimitedWriter) ->
            for marker in markers do
                writer.Text marker.Group
                writer.Text marker.Gene
                writer.Number marker.Log2FoldChange
                writer.EndRow()

    let private stem (path: string) =
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath path), Path.GetFileNameWithoutExtension path)

    /// The tables that there is something to say in, with their file names.
    let private tables path (simulated: SimulatedCells) = [
        if simulated.ModuleMembers.Length > 0 then
            stem path + ".modules.tsv", moduleTable simulated.ModuleMembers
        if simulated.PerturbationEffects.Length > 0 then
            stem path + ".effects.tsv", effectTable simulated.PerturbationEffects
        if simulated.GroupMarkers.Length > 0 then
            stem path + ".markers.tsv", markerTable simulated.GroupMarkers
    ]

    let private checkFormat (path: string) =
        if path.ToLowerInvariant().EndsWith ".h5ad" then
            Ok()
        else
            Error(CoExprError.BadOption("--output", path, "a name in .h5ad is needed"))

    let private partsOf (cells: Cells) = {
        AnnDataParts.ofCells cells with
            CellMatrices = [
                for embedding in cells.Embeddings do
                    embedding.Name, MatrixPart.Dense(embedding.Read() |> CoExprError.unwrap)
            ]
    }

    /// Whether the output can be written under this name.
    let check path =
        checkFormat path |> Result.bind (fun () -> AtomicFile.check path)

    /// Writes name.h5ad and, for what was simulated, name.modules.tsv, name.effects.tsv and name.markers.tsv, which appear
    /// all or none. Gives the names.
    let write threads (simulated: SimulatedCells) path : Result<string list, CoExprError> =
        let truth = tables path simulated

        checkFormat path
        |> Result.bind (fun () ->
            AtomicFile.writeAll (path :: List.map fst truth) (fun temporaries ->
                AnnData.write threads temporaries.Head (partsOf simulated.Cells)
                |> CoExprError.unwrap

                for temporary, (_, (header, rows)) in List.zip temporaries.Tail truth do
                    DelimitedTable.writeInPlace temporary header rows))
        |> Result.map (fun () -> path :: List.map fst truth)
