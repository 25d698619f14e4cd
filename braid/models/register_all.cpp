// The architectures that the library brings along.
#include "braid/models/design_names.h"
#include "braid/models/registry.h"
#include "braid/models/text/cnn/lightconv.h"
#include "braid/models/text/cnn/textcnn.h"
#include "braid/models/text/composer/braidtext.h"
#include "braid/models/text/hybrid/bert_cnn.h"
#include "braid/models/text/hybrid/conv_stem_bert.h"
#include "braid/models/text/hybrid/convbert.h"
#include "braid/models/text/hybrid/lite_transformer.h"
#include "braid/models/text/hybrid/wav2vec2_conformer_text.h"
#include "braid/models/text/transformer/bert.h"
#include "braid/models/text/transformer/distilbert.h"
#include "braid/models/text/transformer/electra.h"
#include "braid/models/text/transformer/transformer.h"
#include "braid/models/vision/cnn/airbench.h"
#include "braid/models/vision/cnn/convnext.h"
#include "braid/models/vision/cnn/densenet.h"
#include "braid/models/vision/cnn/efficientnet.h"
#include "braid/models/vision/cnn/mobilenetv3.h"
#include "braid/models/vision/cnn/regnet.h"
#include "braid/models/vision/cnn/resnet.h"
#include "braid/models/vision/cnn/resnet9.h"
#include "braid/models/vision/cnn/vgg.h"
#include "braid/models/vision/cnn/vovnet.h"
#include "braid/models/vision/composer/braidnet.h"
#include "braid/models/vision/hybrid/airvit.h"
#include "braid/models/vision/hybrid/cct.h"
#include "braid/models/vision/hybrid/coatnet.h"
#include "braid/models/vision/hybrid/conformer.h"
#include "braid/models/vision/hybrid/cvt.h"
#include "braid/models/vision/hybrid/edgenext.h"
#include "braid/models/vision/hybrid/efficientformer.h"
#include "braid/models/vision/hybrid/efficientformer_v2.h"
#include "braid/models/vision/hybrid/fastvit.h"
#include "braid/models/vision/hybrid/levit.h"
#include "braid/models/vision/hybrid/maxvit.h"
#include "braid/models/vision/hybrid/metaformer.h"
#include "braid/models/vision/hybrid/mobile_former.h"
#include "braid/models/vision/hybrid/mobilenetv4.h"
#include "braid/models/vision/hybrid/mobilevit.h"
#include "braid/models/vision/hybrid/nextvit.h"
#include "braid/models/vision/hybrid/repvit.h"
#include "braid/models/vision/hybrid/vit_hybrid.h"
#include "braid/models/vision/transformer/pvt_v2.h"
#include "braid/models/vision/transformer/swin.h"
#include "braid/models/vision/transformer/vit.h"
#include "braid/models/vision/transformer/vit_lite.h"

namespace braid::models {

// One line per file of models.
void register_all(Registry& table) {
  add_airbench(table);
  add_airvit(table);
  add_resnet(table);
  add_resnet9(table);
  add_convnext(table);
  add_efficientnet(table);
  add_mobilenetv3(table);
  add_regnet(table);
  add_densenet(table);
  add_vgg(table);
  add_vovnet(table);
  add_vit(table);
  add_vit_lite(table);
  add_cct(table);
  add_coatnet(table);
  add_braidnet(table);
  add_braidtext(table);
  add_design_files(table);
  add_vit_hybrid(table);
  add_pvt_v2(table);
  add_cvt(table);
  add_levit(table);
  add_edgenext(table);
  add_fastvit(table);
  add_nextvit(table);
  add_maxvit(table);
  add_swin(table);
  add_metaformer(table);
  add_mobilenetv4(table);
  add_mobilevit(table);
  add_efficientformer(table);
  add_efficientformer_v2(table);
  add_repvit(table);
  add_conformer(table);
  add_mobile_former(table);
  add_bert(table);
  add_distilbert(table);
  add_electra(table);
  add_transformer(table);
  add_textcnn(table);
  add_lightconv(table);
  add_convbert(table);
  add_wav2vec2_conformer_text(table);
  add_lite_transformer(table);
  add_bert_cnn(table);
  add_conv_stem_bert(table);
}

}  // namespace braid::models
