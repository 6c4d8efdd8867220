/** image-spec v1.1.1 image-layout.md#oci-layout-file */
export const LAYOUT_FILE = 'oci-layout';
/** image-spec v1.1.1 image-layout.md#indexjson-file */
export const INDEX_FILE = 'index.json';
/** What {@link LAYOUT_FILE} holds. */
export const LAYOUT_TEXT = JSON.stringify({imageLayoutVersion: '1.0.0'});
/** image-spec v1.1.1 annotations.md#pre-defined-annotation-keys */
export const NAME_ANNOTATION = 'org.opencontainers.image.ref.name';
/** The whole name, as docker and containerd write it. */
export const FULL_NAME_ANNOTATION = 'io.containerd.image.name';
